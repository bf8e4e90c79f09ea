package io.tanuki4j.model;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Activation;
import io.tanuki4j.nn.Factor;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.Projection;
import io.tanuki4j.nn.Projection.SavedInput;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * Projection up (with the gate, if there is one), activation, projection back: {@code [s, b, h]} to
 * {@code [s, b, h]}. Each tensor-parallel rank has some of the features in between.
 */
final class Mlp {
  private final Projection gateUpProjection;
  private final Activation activation;
  private final Projection downProjection;

  Mlp(Projection gateUpProjection, Activation activation, Projection downProjection) {
    this.gateUpProjection = gateUpProjection;
    this.activation = activation;
    this.downProjection = downProjection;
  }

  /**
   * @param x the input
   * @param gateUp {@code [s, b, 2f]}, or {@code [s, b, f]} without a gate; the backward may put its
   *     gradient there
   * @param activated {@code [s, b, f]}
   */
  record Saved(SavedInput x, Tensor gateUp, SavedInput activated) {}

  Saved forward(Tensor out, Factor x, Microbatch microbatch) {
    Shape inside = inside(gateUpProjection.outSize(), microbatch);
    Tensor gateUp = microbatch.scope().allocate(inside, x.dtype());
    SavedInput savedX = gateUpProjection.forward(gateUp, x, microbatch);
    SavedInput activated = downProjection.forward(out, activation.of(gateUp), microbatch);
    return new Saved(savedX, gateUp, activated);
  }

  void backward(Tensor dx, Saved saved, Factor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("mlp backward")) {
      Shape inside = inside(activation.outSize(saved.gateUp().dim(-1)), microbatch);
      Tensor dActivated = scratch.allocate(inside, dOut.dtype());
      Microbatch temporary = microbatch.withScope(scratch);
      downProjection.backward(dActivated, saved.activated(), dOut, temporary);
      Factor dGateUp = activation.gradient(saved.gateUp(), dActivated);
      gateUpProjection.backward(dx, saved.x(), dGateUp, temporary);
    }
  }

  List<Parameter> parameters() {
    return Stream.of(gateUpProjection, downProjection)
        .flatMap(layer -> layer.parameters().stream())
        .toList();
  }

  /** Returns the shape of the whole sequence, whatever part of it x is. */
  private static Shape inside(long width, Microbatch microbatch) {
    return Shape.of(microbatch.seqLength(), microbatch.batchSize(), width);
  }
}
