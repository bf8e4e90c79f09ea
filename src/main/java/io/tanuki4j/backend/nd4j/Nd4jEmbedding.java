package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.EmbeddingKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;

/** Rows of a table by token id. */
final class Nd4jEmbedding implements EmbeddingKernels {
  private final Workers workers;

  Nd4jEmbedding(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void embeddingForward(Tensor out, Tensor tokens, Tensor weight) {
    int h = Rows.columns(weight);
    check("out of embedding", out, tokens, weight);
    Expect.sameType("out of embedding", out, weight);
    workers.runParts(
        tokens.numElements(),
        Rows.perTask(h),
        (from, to, scratch) -> {
          Row row = scratch.row(0, out);
          for (long i = from; i < to; i++) {
            row.load(weight, (long) idOf(tokens, i, weight) * h, h);
            row.store(out, i * h);
          }
        });
  }

  /**
   * Sorts the places by token, so that a task owns all places of a token and adds them in their
   * order.
   */
  @Override
  public void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens) {
    check("dOut of embedding", dOut, tokens, dWeight);
    Expect.gradientType("dWeight of embedding", dWeight, dOut);
    long[] sorted = new long[Math.toIntExact(tokens.numElements())];
    for (int i = 0; i < sorted.length; i++) {
      sorted[i] = (long) idOf(tokens, i, dWeight) << 32 | i;
    }
    Arrays.sort(sorted);
    workers.runParts(
        sorted.length,
        Rows.perTask(Rows.columns(dWeight)),
        (from, to, scratch) -> {
          int at = startOfToken(sorted, (int) from);
          while (at < to) {
            at = addToken(dWeight, dOut, sorted, at, scratch);
          }
        });
  }

  /** The first place at or after this one where a token begins. */
  private static int startOfToken(long[] sorted, int from) {
    int at = from;
    while (at > 0 && at < sorted.length && id(sorted[at]) == id(sorted[at - 1])) {
      at++;
    }
    return at;
  }

  /** Adds all places of the token that begins here; returns where the next one begins. */
  private static int addToken(
      Tensor dWeight, Tensor dOut, long[] sorted, int start, Scratch scratch) {
    int h = Rows.columns(dWeight);
    int id = id(sorted[start]);
    Row sum = scratch.row(0, dOut);
    Row grad = scratch.row(1, dOut);
    sum.fill(0, h);
    int at = start;
    while (at < sorted.length && id(sorted[at]) == id) {
      grad.load(dOut, (sorted[at] & 0xFFFFFFFFL) * h, h);
      sum.add(grad);
      at++;
    }
    grad.load(dWeight, (long) id * h, h);
    sum.add(grad);
    sum.store(dWeight, (long) id * h);
    return at;
  }

  private static int id(long sortedPlace) {
    return (int) (sortedPlace >>> 32);
  }

  private static void check(String name, Tensor perToken, Tensor tokens, Tensor table) {
    Expect.dtype("tokens of embedding", tokens, DType.I32);
    Expect.matrix(name, perToken, tokens.numElements(), table.dim(-1));
  }

  /** An id out of range would read or write foreign memory, so it is checked here too. */
  private static int idOf(Tensor tokens, long i, Tensor table) {
    int id = Elements.getInt(tokens, i);
    if (id < 0 || id >= table.dim(0)) {
      throw new IllegalArgumentException(
          "token id: %d (expected: 0 to %d)".formatted(id, table.dim(0) - 1));
    }
    return id;
  }
}
