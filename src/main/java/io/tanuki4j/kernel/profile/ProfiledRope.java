package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Times each call of another {@link RopeKernels}, and states its least cost. */
record ProfiledRope(RopeKernels kernels, CallRecorder recorder) implements RopeKernels {
  @Override
  public void ropeForward(
      Tensor qkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    recorder.time(
        () -> costOfRope("ropeForward", qkv, cos, sin, shape),
        () -> kernels.ropeForward(qkv, cos, sin, rows, shape));
  }

  @Override
  public void ropeBackward(
      Tensor dQkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    recorder.time(
        () -> costOfRope("ropeBackward", dQkv, cos, sin, shape),
        () -> kernels.ropeBackward(dQkv, cos, sin, rows, shape));
  }

  /** Returns the cost of a rotation. Only the rotated elements are moved. */
  static KernelCall costOfRope(
      String operation, Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
    double tokens = (double) shape.seqLength() * shape.batchSize();
    double heads = shape.numHeads() + shape.numQueryGroups();
    double rotated = tokens * heads * 2 * cos.dim(-1) * qkv.dtype().bytes();
    return Cost.moved(KernelFamily.ROPE, operation, qkv, 2 * rotated + Cost.bytes(cos, sin));
  }
}
