package io.tanuki4j.model;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.SwiGlu;
import io.tanuki4j.parallel.tensor.ColumnParallelLinear;
import io.tanuki4j.parallel.tensor.RowParallelLinear;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * Gate and up in one projection, SwiGLU, projection back: {@code [s, b, h]} to the same.
 * Tensor-parallel ranks have some of the features between each.
 */
final class Mlp implements Layer<Mlp.Saved> {
  private final ColumnParallelLinear gateUpProjection;
  private final SwiGlu swiGlu;
  private final RowParallelLinear downProjection;

  Mlp(ColumnParallelLinear gateUpProjection, SwiGlu swiGlu, RowParallelLinear downProjection) {
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
    Tensor gateUp = microbatch.scope().allocate(inside(width, microbatch), x.dtype());
    Tensor activated = microbatch.scope().allocate(inside(width / 2, microbatch), x.dtype());
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
      Microbatch temporary = microbatch.withScope(scratch);
      downProjection.backward(dActivated, saved.activated(), dOut, temporary);
      swiGlu.backward(dGateUp, saved.gateUp(), dActivated, temporary);
    }
    gateUpProjection.backward(dx, saved.x(), dGateUp, microbatch);
  }

  @Override
  public List<Parameter> parameters() {
    return Stream.of(gateUpProjection, downProjection)
        .flatMap(layer -> layer.parameters().stream())
        .toList();
  }

  /** The whole sequence, whatever part of it x is. */
  private static Shape inside(long width, Microbatch microbatch) {
    return Shape.of(microbatch.seqLength(), microbatch.batchSize(), width);
  }
}
