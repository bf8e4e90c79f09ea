package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.DropoutFactors;
import io.tanuki4j.backend.host.Expect;
import io.tanuki4j.backend.host.Philox;
import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.kernel.RandomKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Normal numbers as a function of their place. */
final class CpuRandom implements RandomKernels {
  private static final double TWO_POW_52 = 0x1p52;
  private static final long LOW_WORD = 0xFFFFFFFFL;

  private final Workers workers;

  CpuRandom(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void fillNormal(
      Tensor out,
      long key,
      long firstRow,
      long firstColumn,
      long globalColumns,
      double standardDeviation) {
    int columns = Rows.columns(out);
    workers.runParts(
        Rows.count(out),
        Rows.perTask(columns),
        (from, to, scratch) -> {
          int[] words = new int[4];
          for (long row = from; row < to; row++) {
            long first = (firstRow + row) * globalColumns + firstColumn;
            for (int j = 0; j < columns; j++) {
              double value = standardDeviation * normal(key, first + j, words);
              Elements.set(out, row * columns + j, value);
            }
          }
        });
  }

  @Override
  public void dropout(Tensor out, Tensor x, Tensor positions, Dropout dropout) {
    int columns = Rows.columns(x);
    int batchSize = Math.toIntExact(Rows.count(x) / positions.numElements());
    Expect.elements("out of dropout", out, x.numElements());
    Expect.sameType("out of dropout", out, x);
    Expect.dtype("positions of dropout", positions, DType.I32);
    CallChecks.dropout(dropout, batchSize);
    workers.runParts(
        Rows.count(x),
        Rows.perTask(columns),
        (from, to, scratch) -> {
          DropoutFactors factors = new DropoutFactors(dropout);
          Row row = scratch.row(0, x);
          for (long token = from; token < to; token++) {
            row.load(x, token * columns, columns);
            int position = Elements.getInt(positions, token / batchSize);
            int sequence = (int) (token % batchSize);
            for (int j = 0; j < columns; j++) {
              row.set(j, row.get(j) * factors.of(j, position, sequence, 0));
            }
            row.store(out, token * columns);
          }
        });
  }

  private static double normal(long key, long index, int[] words) {
    long counter = index / 2;
    words[0] = (int) counter;
    words[1] = (int) (counter >>> 32);
    words[2] = 0;
    words[3] = 0;
    Philox.generate(words, key);
    double radius = Math.sqrt(-2 * Math.log(uniform(words[0], words[1])));
    double angle = 2 * Math.PI * uniform(words[2], words[3]);
    return radius * (index % 2 == 0 ? Math.cos(angle) : Math.sin(angle));
  }

  /** Returns a number between 0 and 1, both exclusive. */
  private static double uniform(int high, int low) {
    return ((high & LOW_WORD) * 0x1p20 + (low >>> 12) + 0.5) / TWO_POW_52;
  }
}
