package io.tanuki4j.nn.fp8;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The scale of one tensor of a micro-batch; all are {@code [1]}, F32.
 *
 * @param type the tensor's
 * @param inverse 1 / scale
 * @param amax is raised to the tensor's magnitude for later scales
 * @param limit what the largest magnitude is scaled to
 * @param own for the tensor's own magnitude, from which its scale follows; null if the scale is
 *     known before
 * @param tally counts what is cast ({@link io.tanuki4j.kernel.Fp8Kernels#tally}); null if nothing
 *     does
 */
public record Scaling(
    DType type,
    Tensor scale,
    Tensor inverse,
    Tensor amax,
    Tensor limit,
    @Nullable Tensor own,
    @Nullable Tensor tally) {
  /** Returns the same scaling for numbers that have been counted before. */
  public Scaling counted() {
    return new Scaling(type, scale, inverse, amax, limit, own, /* tally= */ null);
  }
}
