package io.tanuki4j.nn;

import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.kernel.RandomKernels;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Dropout of hidden states. It is linear and keeps no mask, so its backward is itself, applied to
 * the gradient. Evaluations drop nothing.
 */
public final class HiddenDropout {
  private final RandomKernels kernels;
  private final DropoutSite site;
  private final @Nullable Tensor positions;

  /**
   * @param positions {@code [s]}, I32, of this rank's rows of hidden states in their sample; null
   *     if the site drops nothing
   */
  public HiddenDropout(RandomKernels kernels, DropoutSite site, @Nullable Tensor positions) {
    this.kernels = kernels;
    this.site = site;
    this.positions = positions;
  }

  /** Drops elements of {@code [s, b, h]} in place. */
  public void apply(Tensor x, Microbatch microbatch) {
    Dropout dropout = site.in(microbatch);
    if (dropout != null && positions != null) {
      kernels.dropout(x, x, positions, dropout);
    }
  }

  /** Returns the gradient of what was dropped from: new memory, or dOut itself if nothing was. */
  public Tensor backward(Tensor dOut, Microbatch microbatch) {
    Dropout dropout = site.in(microbatch);
    if (dropout == null || positions == null) {
      return dOut;
    }
    Tensor dx = microbatch.scope().allocate(dOut.shape(), dOut.dtype());
    kernels.dropout(dx, dOut, positions, dropout);
    return dx;
  }
}
