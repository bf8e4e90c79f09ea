package io.tanuki4j.nd4j;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import java.nio.ByteBuffer;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** A type of elements in files and in arrays. */
enum Elements {
  F64(ElementType.F64, DataType.DOUBLE, Double.BYTES),
  F32(ElementType.F32, DataType.FLOAT, Float.BYTES),
  BF16(ElementType.BF16, DataType.BFLOAT16, Short.BYTES),
  F16(ElementType.F16, DataType.FLOAT16, Short.BYTES);

  private final ElementType type;
  private final DataType dataType;
  private final int bytes;

  Elements(ElementType type, DataType dataType, int bytes) {
    this.type = type;
    this.dataType = dataType;
    this.bytes = bytes;
  }

  static Elements of(String tensor, ElementType type) {
    for (Elements elements : values()) {
      if (elements.type == type) {
        return elements;
      }
    }
    throw unknown(tensor, type);
  }

  static Elements of(String tensor, DataType type) {
    for (Elements elements : values()) {
      if (elements.dataType == type) {
        return elements;
      }
    }
    throw unknown(tensor, type);
  }

  private static UserException unknown(String tensor, Object type) {
    return new UserException(
        "%s: elements of %s (expected: F64, F32, BF16 or F16). Cast the array first."
            .formatted(tensor, type));
  }

  ElementType type() {
    return type;
  }

  int bytes() {
    return bytes;
  }

  /** Returns the type of the arrays that elements are read into. */
  DataType arrayType() {
    return this == F64 ? DataType.DOUBLE : DataType.FLOAT;
  }

  /** Returns the remaining elements of a buffer. */
  INDArray decode(ByteBuffer from) {
    int count = from.remaining() / bytes;
    if (this == F64) {
      double[] values = new double[count];
      from.asDoubleBuffer().get(values);
      return Nd4j.createFromArray(values);
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = this == F32 ? from.getFloat() : Float16.toFloat(from.getShort(), ofSixteenBits());
    }
    return Nd4j.createFromArray(values);
  }

  private DType ofSixteenBits() {
    return this == BF16 ? DType.BF16 : DType.F16;
  }

  /** Appends the elements of a vector to a buffer. */
  void encode(INDArray values, ByteBuffer into) {
    if (this == F64) {
      for (double value : values.toDoubleVector()) {
        into.putDouble(value);
      }
      return;
    }
    for (float value : values.castTo(DataType.FLOAT).toFloatVector()) {
      if (this == F32) {
        into.putFloat(value);
      } else {
        into.putShort(Float16.fromFloat(value, ofSixteenBits()));
      }
    }
  }
}
