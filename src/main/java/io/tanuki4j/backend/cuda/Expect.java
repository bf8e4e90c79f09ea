package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Checks of the arguments of kernels: an error here would read or write foreign memory. */
final class Expect {
  private Expect() {}

  /** Checks for F32, BF16 or F16; gradient checks in F64 run on the other backend. */
  static void computeType(String name, Tensor tensor) {
    if (tensor.dtype() != DType.F32 && !tensor.dtype().isFloat16()) {
      throw wrong(name, tensor, "F32, BF16 or F16; for F64 use --backend cpu");
    }
  }

  static void dtype(String name, Tensor tensor, DType dtype) {
    if (tensor.dtype() != dtype) {
      throw wrong(name, tensor, dtype.toString());
    }
  }

  static void float8(String name, Tensor tensor) {
    if (!tensor.dtype().isFloat8()) {
      throw wrong(name, tensor, "a type of eight bits");
    }
  }

  /** Checks that the numbers of rows and columns are multiples of this. */
  static void multiple(String name, Tensor tensor, int divisor) {
    if (columns(tensor) % divisor != 0 || rows(tensor) % divisor != 0) {
      throw wrong(name, tensor, "multiples of " + divisor);
    }
  }

  static void sameType(String name, Tensor tensor, Tensor other) {
    dtype(name, tensor, other.dtype());
  }

  /** Checks for F32, in which sums are kept, or the type of the other. */
  static void sumType(String name, Tensor tensor, Tensor other) {
    if (tensor.dtype() != DType.F32 && tensor.dtype() != other.dtype()) {
      throw wrong(name, tensor, "F32 or " + other.dtype());
    }
  }

  static void atMostRows(String name, Tensor tensor, long count) {
    if (rows(tensor) > count) {
      throw wrong(name, tensor, "at most " + count + " rows");
    }
  }

  static void elements(String name, Tensor tensor, long count) {
    if (tensor.numElements() != count) {
      throw wrong(name, tensor, count + " elements");
    }
  }

  /** Checks that a tensor is a matrix of this many rows, its last dim the columns. */
  static void matrix(String name, Tensor tensor, long rows, long columns) {
    if (columns(tensor) != columns || tensor.numElements() != rows * columns) {
      throw wrong(name, tensor, "%d rows of %d".formatted(rows, columns));
    }
  }

  /** Checks that the tensor's last dim has these columns. */
  static void range(String name, Tensor tensor, int first, int count) {
    if (first < 0 || count < 0 || first + (long) count > columns(tensor)) {
      throw wrong(name, tensor, "columns %d to %d".formatted(first, first + count));
    }
  }

  /** Returns the last dim, as a number that kernels count with. */
  static int columns(Tensor tensor) {
    return tensor.shape().rank() == 0 ? 1 : Math.toIntExact(tensor.dim(-1));
  }

  static long rows(Tensor tensor) {
    int columns = columns(tensor);
    return columns == 0 ? 0 : tensor.numElements() / columns;
  }

  private static IllegalArgumentException wrong(String name, Tensor tensor, String expected) {
    return new IllegalArgumentException("%s: %s (expected: %s)".formatted(name, tensor, expected));
  }
}
