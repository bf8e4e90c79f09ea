package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.EmbeddingKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Rows of a table by token id. */
final class Nd4jEmbedding implements EmbeddingKernels {
  /** A task of the backward owns this many columns of the table and walks all tokens in order. */
  private static final int COLUMNS_PER_TASK = 64;

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
          double[] row = scratch.doubles(0, h);
          for (long i = from; i < to; i++) {
            Elements.load(row, 0, weight, (long) rowOf(tokens, i, weight) * h, h);
            Elements.store(out, i * h, row, 0, h);
          }
        });
  }

  @Override
  public void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens) {
    int h = Rows.columns(dWeight);
    check("dOut of embedding", dOut, tokens, dWeight);
    Expect.sumType("dWeight of embedding", dWeight, dOut);
    workers.runParts(
        h,
        COLUMNS_PER_TASK,
        (from, to, scratch) -> {
          int count = (int) (to - from);
          double[] grad = scratch.doubles(0, COLUMNS_PER_TASK);
          double[] row = scratch.doubles(1, COLUMNS_PER_TASK);
          for (long i = 0; i < tokens.numElements(); i++) {
            long first = (long) rowOf(tokens, i, dWeight) * h + from;
            Elements.load(grad, 0, dOut, i * h + from, count);
            Elements.load(row, 0, dWeight, first, count);
            for (int j = 0; j < count; j++) {
              row[j] += grad[j];
            }
            Elements.store(dWeight, first, row, 0, count);
          }
        });
  }

  private static void check(String name, Tensor perToken, Tensor tokens, Tensor table) {
    Expect.dtype("tokens of embedding", tokens, DType.I32);
    Expect.matrix(name, perToken, tokens.numElements(), table.dim(-1));
  }

  /** An id out of range would read or write foreign memory, so it is checked here too. */
  private static int rowOf(Tensor tokens, long i, Tensor table) {
    int id = Elements.getInt(tokens, i);
    if (id < 0 || id >= table.dim(0)) {
      throw new IllegalArgumentException(
          "token id: %d (expected: 0 to %d)".formatted(id, table.dim(0) - 1));
    }
    return id;
  }
}
