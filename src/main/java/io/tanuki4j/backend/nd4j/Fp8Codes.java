package io.tanuki4j.backend.nd4j;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.DynamicCustomOp;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Rint;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.ops.transforms.Transforms;

/**
 * FP8 numbers as bytes. The code of a positive number {@code y} is {@code 2^f · (e − e0) + y / 2^(e
 * − f)}, rounded to nearest with ties to even: f bits of fraction, e the exponent of y, but at
 * least e0, that of the smallest normal number.
 */
final class Fp8Codes {
  private static final int NUM_CODES = 256;
  private static final int SIGN = 0x80;
  private static final int NOT_A_NUMBER = 0x7F;
  private static final int FRACTION_BITS = 52;
  private static final int EXPONENT_MASK = 0x7FF;
  private static final int EXPONENT_BIAS = 1023;

  private Fp8Codes() {}

  /** Returns the numbers of an FP8 tensor. */
  static INDArray decode(Tensor codes) {
    double[] table = new double[NUM_CODES];
    for (int code = 0; code < NUM_CODES; code++) {
      table[code] = Float8.toFloat((byte) code, codes.dtype());
    }
    INDArray indices = TensorArrays.typed(codes).castTo(DataType.INT);
    return Nd4j.exec(
        DynamicCustomOp.builder("gather")
            .addInputs(Nd4j.createFromArray(table), indices)
            .addIntegerArguments(0)
            .build())[0];
  }

  /** Returns the codes of floats, as doubles. */
  static INDArray encode(INDArray values, DType dtype) {
    int fractionBits = dtype == DType.F8_E4M3 ? 3 : 2;
    int smallest = dtype == DType.F8_E4M3 ? -6 : -14;
    INDArray bits = Bits.cast(values.dup(), DataType.LONG);
    INDArray magnitude = Transforms.abs(values);
    BooleanIndexing.replaceWhere(
        magnitude, Float8.max(dtype), Conditions.greaterThan(Float8.max(dtype)));
    INDArray exponent = Transforms.max(exponent(Bits.cast(magnitude, DataType.LONG)), smallest);
    INDArray power = Bits.cast(powerBits(exponent), DataType.DOUBLE);
    INDArray steps = magnitude.div(power).mul(1 << fractionBits);
    INDArray code = Nd4j.exec(new Rint(steps)).add(exponent.sub(smallest).mul(1 << fractionBits));
    code.addi(bits.lt(0).castTo(DataType.DOUBLE).mul(SIGN));
    BooleanIndexing.replaceWhere(code, NOT_A_NUMBER, Conditions.isNan());
    return code;
  }

  private static INDArray exponent(INDArray bits) {
    return Bits.and(Bits.shiftRight(bits, FRACTION_BITS), EXPONENT_MASK)
        .castTo(DataType.DOUBLE)
        .sub(EXPONENT_BIAS);
  }

  /** Returns the bits of 2 to the power of the exponent. */
  private static INDArray powerBits(INDArray exponent) {
    return exponent
        .add(EXPONENT_BIAS)
        .castTo(DataType.LONG)
        .mul(Nd4j.scalar(DataType.LONG, 1L << FRACTION_BITS));
  }
}
