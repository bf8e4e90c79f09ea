package io.tanuki4j.backend.nd4j;

import io.tanuki4j.backend.host.BlockView;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.concurrency.AffinityManager.Location;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * Tensors as arrays of doubles, and back. Reading is exact for every type but I64 beyond 2^53;
 * writing rounds to nearest, ties to even.
 */
final class TensorArrays {
  /** Elements read or written at once, so that no buffer comes near 2 GiB. */
  private static final long PART = 1 << 24;

  private TensorArrays() {}

  /** Returns a copy of the tensor in its shape. */
  static INDArray of(Tensor tensor) {
    INDArray all = Nd4j.createUninitialized(DataType.DOUBLE, tensor.numElements());
    forEachPart(
        tensor,
        PART,
        (from, part) -> {
          INDArray values = part.dtype().isFloat8() ? Fp8Codes.decode(part) : typed(part);
          all.get(NDArrayIndex.interval(from, from + part.numElements())).assign(values);
        });
    return all.reshape(tensor.shape().toArray());
  }

  /** Returns a copy of the tensor as a matrix {@code [product of the other dims, last dim]}. */
  static INDArray matrix(Tensor tensor) {
    return of(tensor).reshape(tensor.numElements() / tensor.dim(-1), tensor.dim(-1));
  }

  /** Returns a copy as a matrix of one row. */
  static INDArray row(Tensor tensor) {
    return of(tensor).reshape(1, tensor.numElements());
  }

  /** Returns a copy as a matrix of one column. */
  static INDArray column(Tensor tensor) {
    return of(tensor).reshape(tensor.numElements(), 1);
  }

  /** Returns the first element. */
  static double scalar(Tensor tensor) {
    return of(tensor).getDouble(0);
  }

  /** Returns token ids. */
  static int[] ints(Tensor tensor) {
    return of(tensor).castTo(DataType.INT).reshape(tensor.numElements()).toIntVector();
  }

  /** Writes the values, in row-major order, rounded to the tensor's type. */
  static void put(Tensor out, INDArray values) {
    INDArray flat = values.reshape(out.numElements());
    forEachPart(
        out,
        PART,
        (from, part) -> {
          INDArray some = flat.get(NDArrayIndex.interval(from, from + part.numElements()));
          write(part, part.dtype().isFloat8() ? Fp8Codes.encode(some, part.dtype()) : some);
        });
  }

  static void put(Tensor out, double value) {
    put(out, Nd4j.createFromArray(value));
  }

  /** Returns the numbers as the type holds them. */
  static INDArray rounded(INDArray values, DType dtype) {
    if (!dtype.isFloat16()) {
      return values.castTo(nd4jType(dtype)).castTo(DataType.DOUBLE);
    }
    double[] numbers = numbers(values);
    Arrays.setAll(numbers, i -> Float16.toFloat(Float16.fromDouble(numbers[i], dtype), dtype));
    return Nd4j.createFromArray(numbers).reshape(values.shape());
  }

  private static double[] numbers(INDArray values) {
    return values.castTo(DataType.DOUBLE).reshape(values.length()).toDoubleVector();
  }

  /** What is done with a run of a tensor's elements, the first of which is element {@code from}. */
  interface PartTask {
    void run(long from, Tensor part);
  }

  static void forEachPart(Tensor tensor, long size, PartTask task) {
    long count = tensor.numElements();
    Tensor flat = tensor.reshape(Shape.of(count));
    for (long from = 0; from < count; from += size) {
      task.run(from, flat.rows(from, Math.min(count, from + size)));
    }
  }

  /** Returns the elements as they are, in an array of their type; sixteen bits as floats. */
  static INDArray typed(Tensor part) {
    INDArray array = Nd4j.createUninitialized(nd4jType(part.dtype()), part.numElements());
    try (BlockView view = new BlockView(part)) {
      ByteBuffer from = view.bytes(0, Math.toIntExact(part.numBytes()));
      ByteBuffer to = hostBytes(array);
      if (part.dtype().isFloat16()) {
        // ND4J reads the bytes of a buffer of sixteen bits in the wrong order.
        while (from.hasRemaining()) {
          to.putFloat(Float16.toFloat(from.getShort(), part.dtype()));
        }
      } else {
        to.put(from);
      }
    }
    Nd4j.getAffinityManager().tagLocation(array, Location.HOST);
    return array;
  }

  /** Writes numbers, or codes of FP8. */
  static void write(Tensor part, INDArray values) {
    if (part.dtype().isFloat16()) {
      writeSixteenBits(part, numbers(values));
      return;
    }
    INDArray exact = Nd4j.createUninitialized(nd4jType(part.dtype()), part.numElements());
    exact.assign(values.reshape(part.numElements()));
    Nd4j.getAffinityManager().ensureLocation(exact, Location.HOST);
    try (BlockView view = new BlockView(part)) {
      view.bytes(0, Math.toIntExact(part.numBytes())).put(hostBytes(exact));
    }
  }

  /** Rounds once, where ND4J rounds to a float first. */
  private static void writeSixteenBits(Tensor part, double[] numbers) {
    try (BlockView view = new BlockView(part)) {
      ByteBuffer to = view.bytes(0, Math.toIntExact(part.numBytes()));
      for (double number : numbers) {
        to.putShort(Float16.fromDouble(number, part.dtype()));
      }
    }
  }

  private static ByteBuffer hostBytes(INDArray array) {
    return array.data().asNio().order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Returns the type of the arrays that hold a tensor's elements as they are. */
  private static DataType nd4jType(DType dtype) {
    return switch (dtype) {
      case F64 -> DataType.DOUBLE;
      case F32, BF16, F16 -> DataType.FLOAT;
      case F8_E4M3, F8_E5M2 -> DataType.UBYTE;
      case I64 -> DataType.LONG;
      case I32 -> DataType.INT;
    };
  }
}
