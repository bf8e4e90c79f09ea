package io.tanuki4j.backend.cuda;

/** One way to compute attention; operands as in {@link io.tanuki4j.kernel.AttentionKernels}. */
interface AttentionEngine {
  /** Writes out and logSumExp. */
  void forward(AttentionCall call);

  /**
   * @param gradients overwritten
   * @param dOut address of the gradient of out
   */
  void backward(AttentionCall call, AttentionOperands gradients, long dOut);
}
