package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.kernel.EmbeddingKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;

/** Rows of a table by token id. */
final class CpuEmbedding implements EmbeddingKernels {
  /** Marks a token whose row is in another rank's part of the table. */
  private static final long ELSEWHERE = -1;

  private final Workers workers;

  CpuEmbedding(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void embeddingForward(Tensor out, Tensor tokens, Tensor weight, long firstRow) {
    int h = Rows.columns(weight);
    CallChecks.embedding("out of embedding", out, tokens, weight);
    Expect.sameType("out of embedding", out, weight);
    workers.runParts(
        tokens.numElements(),
        Rows.perTask(h),
        (from, to, scratch) -> {
          Row row = scratch.row(0, out);
          for (long i = from; i < to; i++) {
            long place = rowOf(tokens, i, weight, firstRow);
            if (place == ELSEWHERE) {
              row.fill(0, h);
            } else {
              row.load(weight, place * h, h);
            }
            row.store(out, i * h);
          }
        });
  }

  /**
   * Sorts the places by row, so that a task owns all places of a token and adds them in their
   * order.
   */
  @Override
  public void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens, long firstRow) {
    CallChecks.embedding("dOut of embedding", dOut, tokens, dWeight);
    Expect.gradientType("dWeight of embedding", dWeight, dOut);
    long[] sorted = sortedPlaces(tokens, dWeight, firstRow);
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

  /** Returns, for each token of this part, its row in the upper half and its index in the lower. */
  private static long[] sortedPlaces(Tensor tokens, Tensor table, long firstRow) {
    long[] places = new long[Math.toIntExact(tokens.numElements())];
    int count = 0;
    for (int i = 0; i < places.length; i++) {
      long row = rowOf(tokens, i, table, firstRow);
      if (row != ELSEWHERE) {
        places[count++] = row << 32 | i;
      }
    }
    long[] sorted = Arrays.copyOf(places, count);
    Arrays.sort(sorted);
    return sorted;
  }

  /** Returns the first place at or after this one where a token begins. */
  private static int startOfToken(long[] sorted, int from) {
    int at = from;
    while (at > 0 && at < sorted.length && row(sorted[at]) == row(sorted[at - 1])) {
      at++;
    }
    return at;
  }

  /** Adds all places of the token that begins here; returns where the next one begins. */
  private static int addToken(
      Tensor dWeight, Tensor dOut, long[] sorted, int start, Scratch scratch) {
    int h = Rows.columns(dWeight);
    long row = row(sorted[start]);
    Row sum = scratch.row(0, dOut);
    Row grad = scratch.row(1, dOut);
    sum.fill(0, h);
    int at = start;
    while (at < sorted.length && row(sorted[at]) == row) {
      grad.load(dOut, (sorted[at] & 0xFFFFFFFFL) * h, h);
      sum.add(grad);
      at++;
    }
    grad.load(dWeight, row * h, h);
    sum.add(grad);
    sum.store(dWeight, row * h);
    return at;
  }

  private static long row(long sortedPlace) {
    return sortedPlace >>> 32;
  }

  private static long rowOf(Tensor tokens, long i, Tensor table, long firstRow) {
    long row = Elements.getInt(tokens, i) - firstRow;
    return row >= 0 && row < table.dim(0) ? row : ELSEWHERE;
  }
}
