package io.tanuki4j.backend.host;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Checks of the arguments of kernels: an error here would read or write foreign memory. */
public final class Expect {
  private Expect() {}

  /** Checks that a tensor is a matrix of {@code rows} rows, its last dim the columns. */
  public static void matrix(String name, Tensor tensor, long rows, long columns) {
    boolean sameColumns = tensor.shape().rank() > 0 && tensor.dim(-1) == columns;
    if (!sameColumns || tensor.numElements() != rows * columns) {
      throw wrong(name, tensor, "%d rows of %d".formatted(rows, columns));
    }
  }

  /** Checks that the tensor's last dim has these columns. */
  public static void columns(String name, Tensor tensor, int first, int count) {
    if (first < 0 || count < 0 || first + (long) count > tensor.dim(-1)) {
      throw wrong(name, tensor, "columns %d to %d".formatted(first, first + count));
    }
  }

  public static void elements(String name, Tensor tensor, long count) {
    if (tensor.numElements() != count) {
      throw wrong(name, tensor, count + " elements");
    }
  }

  public static void dtype(String name, Tensor tensor, DType dtype) {
    if (tensor.dtype() != dtype) {
      throw wrong(name, tensor, dtype.toString());
    }
  }

  public static void floatingPoint(String name, Tensor tensor) {
    if (!tensor.dtype().isFloatingPoint()) {
      throw wrong(name, tensor, "a floating type");
    }
  }

  public static void float8(String name, Tensor tensor) {
    if (!tensor.dtype().isFloat8()) {
      throw wrong(name, tensor, "a type of eight bits");
    }
  }

  /** Checks that the numbers of rows and columns are multiples of this. */
  public static void multiple(String name, Tensor tensor, int divisor) {
    if (tensor.dim(-1) % divisor != 0 || rows(tensor) % divisor != 0) {
      throw wrong(name, tensor, "multiples of " + divisor);
    }
  }

  /** Checks that both tensors have the same floating type. */
  public static void sameType(String name, Tensor tensor, Tensor other) {
    floatingPoint(name, tensor);
    dtype(name, tensor, other.dtype());
  }

  /** Checks that the tensor has the type in which sums over elements of the other are kept. */
  public static void sumType(String name, Tensor tensor, Tensor other) {
    dtype(name, tensor, other.dtype() == DType.F64 ? DType.F64 : DType.F32);
  }

  /** Checks that the tensor keeps sums over elements of the other, or has its type. */
  public static void gradientType(String name, Tensor tensor, Tensor other) {
    if (tensor.dtype() != other.dtype()) {
      sumType(name, tensor, other);
    }
  }

  /** Checks that both tensors are F64 or neither is. */
  public static void sameKind(String name, Tensor tensor, Tensor other) {
    floatingPoint(name, tensor);
    if ((tensor.dtype() == DType.F64) != (other.dtype() == DType.F64)) {
      throw wrong(name, tensor, "F64 like the others, or none of them");
    }
  }

  /** Returns the product of all dims but the last. */
  static long rows(Tensor tensor) {
    return tensor.dim(-1) == 0 ? 0 : tensor.numElements() / tensor.dim(-1);
  }

  /** Checks that both tensors are the same matrix, of the same floating type. */
  public static void like(String name, Tensor tensor, Tensor other) {
    matrix(name, tensor, rows(other), other.dim(-1));
    sameType(name, tensor, other);
  }

  private static IllegalArgumentException wrong(String name, Tensor tensor, String expected) {
    return new IllegalArgumentException("%s: %s (expected: %s)".formatted(name, tensor, expected));
  }
}
