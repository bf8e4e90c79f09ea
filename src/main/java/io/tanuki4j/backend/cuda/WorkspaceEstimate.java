package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;

/**
 * How large a device's workspace becomes in training, for plans that are made without a GPU. It is
 * as large as the most demanding operation needs: a product, or the backward of attention, which
 * sums dQ in fp32. The memory that cuDNN's own plans add is known only on a GPU and not included.
 */
public final class WorkspaceEstimate {
  private WorkspaceEstimate() {}

  /**
   * Returns the bytes.
   *
   * @param numRows queries of all heads, sequences and positions of a micro-batch on one rank
   */
  public static long bytes(DType compute, long numRows, int headDim) {
    long rowSums = CudnnAttention.aligned(numRows * Float.BYTES);
    long dQ = compute.isFloat16() ? CudnnAttention.aligned(numRows * headDim * Float.BYTES) : 0;
    return CudaWorkspace.roundUp(Math.max(CudaMatmul.WORKSPACE_BYTES, rowSums + dQ));
  }
}
