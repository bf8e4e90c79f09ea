package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.Dropout;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** What a dropout multiplies elements by. */
final class DropoutArrays {
  private static final int WORDS = 4;
  private static final int HEAD_BITS = 16;

  private DropoutArrays() {}

  /**
   * Returns {@code [samples, heads, rows, columns]}: 0 for a dropped element. The word of an
   * element is the one of its column, modulo 4, of the counter {@code (column / 4, row, low half of
   * the sample, high half · 2^16 + head)}.
   *
   * @param columns LONG, as are the rows and heads
   */
  static INDArray factors(Dropout dropout, INDArray columns, INDArray rows, INDArray heads) {
    INDArray samples = TensorArrays.typed(dropout.samples());
    long[] shape = {samples.length(), heads.length(), rows.length(), columns.length()};
    INDArray zeros = Nd4j.zeros(DataType.LONG, shape);
    INDArray column = columns.reshape(1, 1, 1, columns.length());
    INDArray sample = samples.reshape(samples.length(), 1, 1, 1);
    INDArray high = Philox.high(sample).mul(Nd4j.scalar(DataType.LONG, 1L << HEAD_BITS));
    INDArray[] words =
        Philox.words(
            zeros.add(Bits.shiftRight(column, 2)),
            zeros.add(rows.reshape(1, 1, rows.length(), 1)),
            zeros.add(Philox.low(sample)),
            zeros.add(high).add(heads.reshape(1, heads.length(), 1, 1)),
            dropout.key());
    INDArray kept = Nd4j.zeros(DataType.DOUBLE, shape);
    for (int i = 0; i < WORDS; i++) {
      INDArray isHere = Bits.and(column, WORDS - 1).eq(i).castTo(DataType.DOUBLE);
      INDArray isKept = words[i].castTo(DataType.DOUBLE).lt(dropout.keptBelow());
      kept.addi(isKept.castTo(DataType.DOUBLE).mul(isHere));
    }
    return kept.mul(dropout.factor());
  }
}
