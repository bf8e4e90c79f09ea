package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.ParameterListener;
import io.tanuki4j.nn.Samples;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Memory for one micro-batch in flight, in a root scope of its own, since micro-batches don't end
 * in the reverse order of their beginning. Each micro-batch in the slot repeats the addresses of
 * the one before. What it received and what it sends stays until the next one begins.
 */
final class Slot implements AutoCloseable {
  private final MemoryScope scope;
  private final Microbatch.Inputs inputs;
  private final @Nullable Tensor hidden;
  private final @Nullable Tensor dHidden;
  private @Nullable MemoryScope activations;

  /**
   * What a slot has to hold.
   *
   * @param tokens {@code [s, b]}
   * @param hidden of the hidden states and gradients that are received
   * @param samples what is needed of them
   * @param receivesHidden whether a chunk of the stage starts from another stage
   * @param receivesGradient whether a chunk of the stage ends at another stage
   */
  record Contents(
      Shape tokens,
      Shape hidden,
      DType hiddenType,
      Samples.Kinds samples,
      boolean receivesHidden,
      boolean receivesGradient) {}

  /**
   * @param scope a root, closed with this
   */
  Slot(MemoryScope scope, Contents contents) {
    this.scope = scope;
    this.inputs =
        new Microbatch.Inputs(
            scope.allocate(contents.tokens(), DType.I32),
            scope.allocate(contents.tokens(), DType.I32),
            scope.allocate(contents.tokens(), DType.F32),
            Samples.allocate(contents.samples(), contents.tokens(), scope));
    this.hidden = contents.receivesHidden() ? received(contents) : null;
    this.dHidden = contents.receivesGradient() ? received(contents) : null;
  }

  private Tensor received(Contents contents) {
    return scope.allocate(contents.hidden(), contents.hiddenType());
  }

  /**
   * Drops the previous micro-batch and begins the next.
   *
   * @param maxDocuments the most documents that one of its samples has
   */
  Microbatch begin(
      int maxDocuments,
      Tensor lossSums,
      Tensor gradScale,
      Accumulate weightGrads,
      ParameterListener listener,
      boolean training) {
    drop();
    activations = scope.child("activations");
    return new Microbatch(
        inputs.withMaxDocuments(maxDocuments),
        lossSums,
        gradScale,
        weightGrads,
        listener,
        training,
        activations);
  }

  Microbatch.Inputs inputs() {
    return inputs;
  }

  /** Returns the hidden states from the previous stage. */
  Tensor hidden() {
    return Objects.requireNonNull(hidden, "the stage has the first chunk only");
  }

  /** Returns the gradient of hidden states, from the next stage. */
  Tensor dHidden() {
    return Objects.requireNonNull(dHidden, "the stage has the last chunk only");
  }

  private void drop() {
    if (activations != null) {
      activations.close();
      activations = null;
    }
  }

  @Override
  public void close() {
    drop();
    scope.close();
  }
}
