package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.Block;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.bytedeco.javacpp.DoublePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.openblas.global.openblas;

/**
 * One matrix product of OpenBLAS, {@code c = opA(a) · opB(b) + keep · c}. Matrices are row-major,
 * with a distance between the starts of their rows.
 *
 * @param dtype F32 or F64
 */
record Gemm(DType dtype, int m, int n, int k, double keep) {

  /**
   * A matrix in memory, before its transpose.
   *
   * @param firstElement its place in the tensor
   * @param rowStride elements from one row to the next
   */
  record Matrix(Tensor tensor, long firstElement, long rowStride, Op op) {
    Matrix transposed() {
      return new Matrix(tensor, firstElement, rowStride, Op.TRANSPOSE);
    }

    /** Returns the same place in another tensor. */
    Matrix in(Tensor other) {
      return new Matrix(other, firstElement, rowStride, op);
    }

    private long address() {
      return Block.address(tensor) + firstElement * tensor.dtype().bytes();
    }
  }

  void run(Matrix a, Matrix b, Matrix c) {
    int opA = blas(a.op());
    int opB = blas(b.op());
    int strideA = Math.toIntExact(a.rowStride());
    int strideB = Math.toIntExact(b.rowStride());
    int strideC = Math.toIntExact(c.rowStride());
    if (dtype == DType.F64) {
      openblas.cblas_dgemm(
          openblas.CblasRowMajor,
          opA,
          opB,
          m,
          n,
          k,
          1,
          new Doubles(a.address()),
          strideA,
          new Doubles(b.address()),
          strideB,
          keep,
          new Doubles(c.address()),
          strideC);
    } else {
      openblas.cblas_sgemm(
          openblas.CblasRowMajor,
          opA,
          opB,
          m,
          n,
          k,
          1,
          new Floats(a.address()),
          strideA,
          new Floats(b.address()),
          strideB,
          (float) keep,
          new Floats(c.address()),
          strideC);
    }
  }

  private static int blas(Op op) {
    return op == Op.TRANSPOSE ? openblas.CblasTrans : openblas.CblasNoTrans;
  }

  /** A pointer to an address that others own. */
  private static final class Floats extends FloatPointer {
    Floats(long address) {
      super((Pointer) null);
      this.address = address;
    }
  }

  /** A pointer to an address that others own. */
  private static final class Doubles extends DoublePointer {
    Doubles(long address) {
      super((Pointer) null);
      this.address = address;
    }
  }
}
