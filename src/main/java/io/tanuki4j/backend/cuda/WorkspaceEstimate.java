package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;

/**
 * How large a device's workspace becomes in training, for plans that are made without a GPU. It is
 * as large as the most demanding operation needs: a product, or the backward of attention, which
 * sums dQ in fp32. The memory that cuDNN's own plans add is known only on a GPU and not included.
 */
public final class WorkspaceEstimate {
  /** Documents of a sample that are assumed; the bounds of any number are small. */
  private static final int DOCUMENTS = 16;

  private WorkspaceEstimate() {}

  /**
   * Returns the bytes.
   *
   * @param shape of a micro-batch's attention on one rank
   * @param documents whether queries see their own document only
   */
  public static long bytes(DType compute, AttentionShape shape, boolean documents) {
    AttentionForm form =
        new AttentionForm(shape, shape.seqLength(), true, documents ? DOCUMENTS : 1);
    boolean sums = compute.isFloat16();
    long attention = new AttentionScratch(form, true, !sums, 0).bytes();
    return CudaWorkspace.roundUp(Math.max(CudaMatmul.WORKSPACE_BYTES, attention));
  }
}
