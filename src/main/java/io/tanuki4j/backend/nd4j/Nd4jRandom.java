package io.tanuki4j.backend.nd4j;

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
    INDArray columns = Nd4j.arange(x.dim(-1)).castTo(DataType.LONG);
    INDArray rows = TensorArrays.typed(positions).castTo(DataType.LONG);
    INDArray heads = Nd4j.zeros(DataType.LONG, 1);
    INDArray factors = DropoutArrays.factors(dropout, columns, rows, heads).permute(2, 0, 1, 3);
    TensorArrays.put(out, TensorArrays.of(x).mul(factors.dup('c').reshape(x.shape().toArray())));
  }

  /** Returns the numbers of these places, by the Box–Muller transform. */
  private static INDArray normal(INDArray places, long key) {
    INDArray pair = Bits.shiftRight(places, 1);
    INDArray zeros = places.like().assign(0);
    INDArray[] words = Philox.words(Philox.low(pair), Philox.high(pair), zeros, zeros, key);
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
