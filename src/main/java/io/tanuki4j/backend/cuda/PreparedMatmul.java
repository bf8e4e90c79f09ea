package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkBlas;

import io.tanuki4j.tensor.DType;
import org.bytedeco.cuda.cublas.cublasLtContext;
import org.bytedeco.cuda.cublas.cublasLtMatmulAlgo_t;
import org.bytedeco.cuda.cublas.cublasLtMatmulDescOpaque_t;
import org.bytedeco.cuda.cublas.cublasLtMatrixLayoutOpaque_t;
import org.bytedeco.cuda.cudart.CUstream_st;
import org.bytedeco.cuda.global.cublas;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * A product of some shape, described to cuBLASLt. The library thinks in columns: a row-major {@code
 * [r, c]} is its c × r matrix. So {@code out = opA(a) · opB(b)} becomes {@code outᵀ = opB(b)ᵀ ·
 * opA(a)ᵀ}, with b as the library's first matrix and a as its second.
 */
final class PreparedMatmul implements AutoCloseable {
  private final cublasLtContext library;
  private final CUstream_st stream;
  private final cublasLtMatmulDescOpaque_t operation;
  private final cublasLtMatrixLayoutOpaque_t layoutA;
  private final cublasLtMatrixLayoutOpaque_t layoutB;
  private final cublasLtMatrixLayoutOpaque_t layoutOut;
  private final FloatPointer alpha = new FloatPointer(1.0f);
  private final FloatPointer beta;
  private final LongPointer scaleOfFirst = new LongPointer(1);
  private final LongPointer scaleOfSecond = new LongPointer(1);
  private final Address a = new Address();
  private final Address b = new Address();
  private final Address out = new Address();
  private final Address workspace = new Address();

  PreparedMatmul(MatmulShape shape, cublasLtContext library, CUstream_st stream) {
    this.library = library;
    this.stream = stream;
    MatmulShape.Sizes sizes = shape.sizes();
    boolean transposeA = shape.a().isTransposed();
    boolean transposeB = shape.b().isTransposed();
    operation = operation(transposeB, transposeA);
    layoutA =
        transposeA
            ? layout(shape.a().type(), sizes.k(), sizes.m())
            : layout(shape.a().type(), sizes.m(), sizes.k());
    layoutB =
        transposeB
            ? layout(shape.b().type(), sizes.n(), sizes.k())
            : layout(shape.b().type(), sizes.k(), sizes.n());
    layoutOut = layout(shape.out(), sizes.m(), sizes.n());
    beta = new FloatPointer(shape.add() ? 1.0f : 0.0f);
    if (shape.fast()) {
      set(cublas.CUBLASLT_MATMUL_DESC_FAST_ACCUM, new BytePointer(new byte[] {1}), 1);
    }
  }

  private static cublasLtMatmulDescOpaque_t operation(
      boolean transposeFirst, boolean transposeSecond) {
    try (PointerPointer<Pointer> made = new PointerPointer<>(1)) {
      checkBlas(
          cublas.cublasLtMatmulDescCreate(made, cublas.CUBLAS_COMPUTE_32F, cudart.CUDA_R_32F),
          "cublasLtMatmulDescCreate");
      cublasLtMatmulDescOpaque_t operation = new cublasLtMatmulDescOpaque_t(made.get());
      setTranspose(operation, cublas.CUBLASLT_MATMUL_DESC_TRANSA, transposeFirst);
      setTranspose(operation, cublas.CUBLASLT_MATMUL_DESC_TRANSB, transposeSecond);
      return operation;
    }
  }

  private static void setTranspose(
      cublasLtMatmulDescOpaque_t operation, int attribute, boolean transpose) {
    int value = transpose ? cublas.CUBLAS_OP_T : cublas.CUBLAS_OP_N;
    try (IntPointer pointer = new IntPointer(new int[] {value})) {
      checkBlas(
          cublas.cublasLtMatmulDescSetAttribute(operation, attribute, pointer, Integer.BYTES),
          "cublasLtMatmulDescSetAttribute");
    }
  }

  /** Makes the following runs multiply the product by these two fp32 numbers in GPU memory. */
  void scales(long ofA, long ofB) {
    set(cublas.CUBLASLT_MATMUL_DESC_A_SCALE_POINTER, scaleOfFirst.put(0, ofB), Long.BYTES);
    set(cublas.CUBLASLT_MATMUL_DESC_B_SCALE_POINTER, scaleOfSecond.put(0, ofA), Long.BYTES);
  }

  private void set(int attribute, Pointer value, long bytes) {
    checkBlas(
        cublas.cublasLtMatmulDescSetAttribute(operation, attribute, value, bytes),
        "cublasLtMatmulDescSetAttribute");
  }

  /** Returns the layout of a row-major matrix, as the library's transposed one. */
  private static cublasLtMatrixLayoutOpaque_t layout(DType type, long rows, long columns) {
    int libraryType = libraryType(type);
    try (PointerPointer<Pointer> made = new PointerPointer<>(1)) {
      checkBlas(
          cublas.cublasLtMatrixLayoutCreate(made, libraryType, columns, rows, columns),
          "cublasLtMatrixLayoutCreate");
      return new cublasLtMatrixLayoutOpaque_t(made.get());
    }
  }

  private static int libraryType(DType type) {
    return switch (type) {
      case F8_E4M3 -> cudart.CUDA_R_8F_E4M3;
      case F8_E5M2 -> cudart.CUDA_R_8F_E5M2;
      case BF16 -> cudart.CUDA_R_16BF;
      case F16 -> cudart.CUDA_R_16F;
      default -> cudart.CUDA_R_32F;
    };
  }

  cublasLtMatmulDescOpaque_t operation() {
    return operation;
  }

  cublasLtMatrixLayoutOpaque_t layoutA() {
    return layoutA;
  }

  cublasLtMatrixLayoutOpaque_t layoutB() {
    return layoutB;
  }

  cublasLtMatrixLayoutOpaque_t layoutOut() {
    return layoutOut;
  }

  /** Makes the following runs multiply the product by this. */
  void scale(float factor) {
    alpha.put(0, factor);
  }

  void place(long addressOut, long addressA, long addressB, long addressWorkspace) {
    out.to(addressOut);
    a.to(addressA);
    b.to(addressB);
    workspace.to(addressWorkspace);
  }

  /** Runs on the operands placed last; returns the library's status. */
  int run(cublasLtMatmulAlgo_t algorithm) {
    return cublas.cublasLtMatmul(
        library,
        operation,
        alpha,
        b,
        layoutB,
        a,
        layoutA,
        beta,
        out,
        layoutOut,
        out,
        layoutOut,
        algorithm,
        workspace,
        CudaMatmul.WORKSPACE_BYTES,
        stream);
  }

  @Override
  public void close() {
    checkBlas(cublas.cublasLtMatmulDescDestroy(operation), "cublasLtMatmulDescDestroy");
    checkBlas(cublas.cublasLtMatrixLayoutDestroy(layoutA), "cublasLtMatrixLayoutDestroy");
    checkBlas(cublas.cublasLtMatrixLayoutDestroy(layoutB), "cublasLtMatrixLayoutDestroy");
    checkBlas(cublas.cublasLtMatrixLayoutDestroy(layoutOut), "cublasLtMatrixLayoutDestroy");
  }
}
