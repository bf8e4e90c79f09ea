package io.tanuki4j.nn;

import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** A linear layer whose products read tensors in the type the model computes in. */
record PlainProjection(Layer<Tensor> layer, long outSize) implements Projection {
  @Override
  public SavedInput forward(Tensor out, Factor x, Microbatch microbatch) {
    return new SavedInput(
        layer.forward(out, x.write(microbatch.scope()), microbatch), /* inverse= */ null);
  }

  @Override
  public SavedInput save(Factor x, Microbatch microbatch) {
    return new SavedInput(x.write(microbatch.scope()), /* inverse= */ null);
  }

  @Override
  public void backward(Tensor dx, SavedInput x, Factor dOut, Microbatch microbatch) {
    layer.backward(dx, x.values(), dOut.write(microbatch.scope()), microbatch);
  }

  @Override
  public List<Parameter> parameters() {
    return layer.parameters();
  }
}
