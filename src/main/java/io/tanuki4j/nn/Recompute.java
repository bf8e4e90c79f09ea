package io.tanuki4j.nn;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * Trades time for memory: saves only the input of a layer, and runs its forward again in the
 * backward (Chen et al., 2016). Kernels give the same result for the same input, so the results are
 * the same to the bit.
 */
public final class Recompute<S> implements Layer<Tensor> {
  private final Layer<S> layer;

  public Recompute(Layer<S> layer) {
    this.layer = layer;
  }

  @Override
  public Tensor forward(Tensor out, Tensor x, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("forward not kept")) {
      layer.forward(out, x, microbatch.withScope(scratch));
    }
    return x;
  }

  /** Computes the gradient; dx may be x or dOut itself if the layer allows it. */
  @Override
  public void backward(Tensor dx, Tensor x, Tensor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("forward again")) {
      Microbatch again = microbatch.withScope(scratch).unsplit();
      Tensor out = scratch.allocate(dOut.shape(), dOut.dtype());
      S saved = layer.forward(out, x, again);
      layer.backward(dx, saved, dOut, again);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return layer.parameters();
  }
}
