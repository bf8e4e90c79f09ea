package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.tensor.Tensor;

/**
 * Matrix products, cut into tiles of the output whose sizes depend on the shapes only. Sixteen bits
 * are widened to F32, which is exact, and the result is rounded once.
 */
final class CpuMatmul implements MatmulKernels {
  private static final int MAX_TILES = 8;
  private static final int TILE_STEP = 64;

  private final Workers workers;
  private final CpuElementwise elementwise;

  CpuMatmul(Workers workers, CpuElementwise elementwise) {
    this.workers = workers;
    this.elementwise = elementwise;
  }

  @Override
  public void matmul(Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    CallChecks.product(out, a, opA, b, opB);
    try (Widening widening = new Widening(elementwise, workers.scratch().memory())) {
      boolean add = accumulate == Accumulate.ADD;
      Tensor wideOut = add ? widening.in(out) : widening.out(out);
      multiply(wideOut, widening.in(a), opA, widening.in(b), opB, add ? 1 : 0);
      widening.finish(out, wideOut);
    }
  }

  private void multiply(Tensor out, Tensor a, Op opA, Tensor b, Op opB, double keep) {
    long m = Rows.count(out);
    long n = Rows.columns(out);
    long k = opA == Op.NONE ? Rows.columns(a) : Rows.count(a);
    Product product = new Product(out, a, opA, b, opB, k, keep);
    if (m >= n) {
      workers.runParts(m, tile(m), (from, to, scratch) -> product.run(from, to, 0, n));
    } else {
      workers.runParts(n, tile(n), (from, to, scratch) -> product.run(0, m, from, to));
    }
  }

  private static long tile(long size) {
    long tiles = Math.min(MAX_TILES, Math.max(1, size / TILE_STEP));
    long atLeast = (size + tiles - 1) / tiles;
    return (atLeast + TILE_STEP - 1) / TILE_STEP * TILE_STEP;
  }

  private record Product(Tensor out, Tensor a, Op opA, Tensor b, Op opB, long k, double keep) {
    /** Computes the part of the output between these rows and columns. */
    void run(long fromRow, long toRow, long fromColumn, long toColumn) {
      long strideA = Rows.columns(a);
      long strideB = Rows.columns(b);
      long strideOut = Rows.columns(out);
      Gemm gemm =
          new Gemm(
              out.dtype(),
              Math.toIntExact(toRow - fromRow),
              Math.toIntExact(toColumn - fromColumn),
              Math.toIntExact(k),
              keep);
      gemm.run(
          matrix(a, opA == Op.NONE ? fromRow * strideA : fromRow, opA),
          matrix(b, opB == Op.NONE ? fromColumn : fromColumn * strideB, opB),
          matrix(out, fromRow * strideOut + fromColumn, Op.NONE));
    }

    private static Gemm.Matrix matrix(Tensor tensor, long firstElement, Op op) {
      return new Gemm.Matrix(tensor, firstElement, Rows.columns(tensor), op);
    }
  }
}
