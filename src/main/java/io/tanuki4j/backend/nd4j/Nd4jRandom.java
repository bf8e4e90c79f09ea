package io.tanuki4j.backend.nd4j;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.DropoutFactors;
import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.kernel.RandomKernels;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.ops.transforms.Transforms;

/** Normal numbers as a function of their place. */
final class Nd4jRandom implements RandomKernels {
  private static final long PART = 1 << 18;
  private static final int CUT_BITS = 12;
  private static final double TWO_POW_20 = 0x1p20;
  private static final double TWO_POW_52 = 0x1p52;

  @Override
  public void fillNormal(
      Tensor out,
      long key,
      long firstRow,
      long firstColumn,
      long globalColumns,
      double standardDeviation) {
    long columns = out.dim(-1);
    TensorArrays.forEachPart(
        out,
        PART,
        (from, part) -> {
          long[] places = new long[(int) part.numElements()];
          Arrays.setAll(
              places,
              i ->
                  (firstRow + (from + i) / columns) * globalColumns
                      + firstColumn
                      + (from + i) % columns);
          INDArray normal = normal(Nd4j.createFromArray(places), key);
          TensorArrays.put(part, normal.mul(standardDeviation));
        });
  }

  @Override
  public void dropout(Tensor out, Tensor x, Tensor positions, Dropout dropout) {
    int columns = Math.toIntExact(x.dim(-1));
    int batchSize = Math.toIntExact(x.numElements() / columns / positions.numElements());
    CallChecks.dropout(dropout, batchSize);
    int[] rows = TensorArrays.of(positions).toIntVector();
    DropoutFactors factors = new DropoutFactors(dropout);
    double[] ofElements = new double[Math.toIntExact(x.numElements())];
    Arrays.setAll(
        ofElements,
        i -> {
          int token = i / columns;
          return factors.of(i % columns, rows[token / batchSize], token % batchSize, 0);
        });
    INDArray before = TensorArrays.of(x);
    INDArray kept = Nd4j.createFromArray(ofElements).castTo(before.dataType());
    TensorArrays.put(out, before.mul(kept.reshape(before.shape())));
  }

  /** Returns the numbers of these places, by the Box–Muller transform. */
  private static INDArray normal(INDArray places, long key) {
    INDArray[] words = Philox.words(Bits.shiftRight(places, 1), 0, key);
    INDArray radius = Transforms.sqrt(Transforms.log(uniform(words[0], words[1])).mul(-2));
    INDArray angle = uniform(words[2], words[3]).mul(2 * Math.PI);
    INDArray odd = Bits.and(places, 1).castTo(DataType.DOUBLE);
    INDArray even = odd.rsub(1);
    return radius.mul(Transforms.cos(angle).mul(even).add(Transforms.sin(angle).mul(odd)));
  }

  /** Returns numbers between 0 and 1, both exclusive. */
  private static INDArray uniform(INDArray high, INDArray low) {
    return high.castTo(DataType.DOUBLE)
        .mul(TWO_POW_20)
        .add(Bits.shiftRight(low, CUT_BITS).castTo(DataType.DOUBLE))
        .add(0.5)
        .div(TWO_POW_52);
  }
}
