package io.tanuki4j.nn;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Layers one after another, all with input and output of one shape. Each must allow its {@code dx}
 * to be its input or dOut itself, and, without a backward, its {@code out} to be x itself.
 */
public final class Sequential implements Layer<Sequential.Saved> {
  private final List<Layer<?>> layers;
  private final List<List<Parameter>> parameters;

  /**
   * @param layers at least one
   */
  public Sequential(List<? extends Layer<?>> layers) {
    if (layers.isEmpty()) {
      throw new IllegalArgumentException("no layers (expected: one or more)");
    }
    this.layers = List.copyOf(layers);
    this.parameters = this.layers.stream().map(Layer::parameters).toList();
  }

  /** What each layer saved, in order; empty after a forward without training. */
  public record Saved(List<SavedLayer<?>> layers) {
    /** Returns the input of all layers, in whose place the backward may put its gradient. */
    public Tensor x() {
      return layers.get(0).x();
    }
  }

  /** A layer, its input and what its forward saved. */
  public record SavedLayer<S>(Layer<S> layer, Tensor x, S saved) {
    static <S> SavedLayer<S> forward(Layer<S> layer, Tensor out, Tensor x, Microbatch microbatch) {
      return new SavedLayer<>(layer, x, layer.forward(out, x, microbatch));
    }

    void backward(Tensor dx, Tensor dOut, Microbatch microbatch) {
      layer.backward(dx, saved, dOut, microbatch);
    }
  }

  /** Runs the layers. Without training, out may be x itself, and nothing is kept. */
  @Override
  public Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
    if (!microbatch.training()) {
      evaluate(out, x, microbatch);
      return new Saved(List.of());
    }
    List<SavedLayer<?>> saved = new ArrayList<>(layers.size());
    Tensor input = x;
    for (int i = 0; i < layers.size(); i++) {
      boolean last = i == layers.size() - 1;
      Tensor output = last ? out : microbatch.scope().allocate(x.shape(), x.dtype());
      microbatch.listener().valuesNeeded(parameters.get(i));
      saved.add(SavedLayer.forward(layers.get(i), output, input, microbatch));
      input = output;
    }
    return new Saved(saved);
  }

  /**
   * Runs the layers backwards. The gradients between them take the place of the values between
   * them; dx may be the input or dOut itself.
   */
  @Override
  public void backward(Tensor dx, Saved saved, Tensor dOut, Microbatch microbatch) {
    Tensor gradient = dOut;
    for (int i = layers.size() - 1; i >= 0; i--) {
      SavedLayer<?> layer = saved.layers().get(i);
      Tensor dInput = i == 0 ? dx : layer.x();
      layer.backward(dInput, gradient, microbatch);
      List<Parameter> done = parameters.get(i);
      microbatch.forWeights(later -> later.listener().gradientsDone(done));
      gradient = dInput;
    }
  }

  @Override
  public List<Parameter> parameters() {
    return parameters.stream().flatMap(List::stream).toList();
  }

  private void evaluate(Tensor out, Tensor x, Microbatch microbatch) {
    Tensor input = x;
    for (Layer<?> layer : layers) {
      try (MemoryScope scratch = microbatch.scope().child("layer without backward")) {
        layer.forward(out, input, microbatch.withScope(scratch));
      }
      input = out;
    }
  }
}
