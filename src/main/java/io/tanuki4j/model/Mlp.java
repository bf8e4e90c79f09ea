package io.tanuki4j.model;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.Linear;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.SwiGlu;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** Gate and up in one projection, SwiGLU, projection back: {@code [s, b, h]} to the same. */
final class Mlp implements Layer<Mlp.Saved> {
  private final Linear gateUpProjection;
  private final SwiGlu swiGlu;
  private final Linear downProjection;

  Mlp(Linear gateUpProjection, SwiGlu swiGlu, Linear downProjection) {
    this.gateUpProjection = gateUpProjection;
    this.swiGlu = swiGlu;
    this.downProjection = downProjection;
  }

  /**
   * @param x the input
   * @param gateUp {@code [s, b, 2f]}; the backward puts its gradient there
   * @param activated {@code [s, b, f]}
   */
  record Saved(Tensor x, Tensor gateUp, Tensor activated) {}

  @Override
  public Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
    long width = gateUpProjection.outSize();
    Tensor gateUp = microbatch.scope().allocate(withWidth(x, width), x.dtype());
    Tensor activated = microbatch.scope().allocate(withWidth(x, width / 2), x.dtype());
    gateUpProjection.forward(gateUp, x, microbatch);
    swiGlu.forward(activated, gateUp, microbatch);
    downProjection.forward(out, activated, microbatch);
    return new Saved(x, gateUp, activated);
  }

  @Override
  public void backward(Tensor dx, Saved saved, Tensor dOut, Microbatch microbatch) {
    Tensor dGateUp = saved.gateUp();
    try (MemoryScope scratch = microbatch.scope().child("mlp backward")) {
      Tensor dActivated = scratch.allocate(saved.activated().shape(), dOut.dtype());
      downProjection.backward(dActivated, saved.activated(), dOut, microbatch);
      swiGlu.backward(dGateUp, saved.gateUp(), dActivated, microbatch);
    }
    gateUpProjection.backward(dx, saved.x(), dGateUp, microbatch);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(gateUpProjection.weight(), downProjection.weight());
  }

  private static Shape withWidth(Tensor x, long width) {
    return Shape.of(x.dim(0), x.dim(1), width);
  }
}
