package io.tanuki4j.train;

import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.parallel.pipeline.ModelChunk;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Runs micro-batches of one shape through a model. Their ids go into the same device memory each
 * time, and their activations into a child of one scope, so that every micro-batch repeats the
 * addresses of the one before: a device can plan them once and replay a captured graph.
 *
 * @param <S> what the model's forward saves for its backward
 */
public final class MicrobatchRunner<S> implements AutoCloseable {
  private final Device device;
  private final ModelChunk<S> model;
  private final MemoryScope scope;
  private final Tensor tokens;
  private final Tensor targets;
  private final Tensor lossMask;
  private final Tensor gradScale;
  private final ByteBuffer staging;

  /**
   * @param model the whole model
   */
  public MicrobatchRunner(Device device, ModelChunk<S> model, int seqLength, int microBatchSize) {
    this.device = device;
    this.model = model;
    this.scope = device.openScope("micro-batch");
    Shape shape = Shape.of(seqLength, microBatchSize);
    this.tokens = scope.allocate(shape, DType.I32);
    this.targets = scope.allocate(shape, DType.I32);
    this.lossMask = scope.allocate(shape, DType.F32);
    this.gradScale = scope.allocate(Shape.of(1), DType.F64);
    int stagingBytes = Math.toIntExact(Math.max(tokens.numBytes(), gradScale.numBytes()));
    this.staging = ByteBuffer.allocateDirect(stagingBytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** What the gradients of the following micro-batches are multiplied by. */
  void setGradScale(double scale) {
    staging.clear().putDouble(scale).flip();
    device.upload(gradScale, staging);
  }

  /**
   * Forward and backward: adds to the gradients of the model's parameters.
   *
   * @param index within the iteration
   * @param lossSums {@code [LossKernels.NUM_SUMS]}, F64, added to
   */
  void train(TokenBatch batch, int index, Tensor lossSums) {
    upload(batch);
    try (MemoryScope activations = scope.child("activations")) {
      Microbatch microbatch = microbatch(index, lossSums, true, activations);
      S saved = model.forward(null, microbatch).saved();
      model.backward(saved, null, microbatch);
    }
  }

  /** Forward alone; arguments as for {@link #train}. */
  void evaluate(TokenBatch batch, int index, Tensor lossSums) {
    upload(batch);
    try (MemoryScope activations = scope.child("activations")) {
      model.forward(null, microbatch(index, lossSums, false, activations));
    }
  }

  private Microbatch microbatch(
      int index, Tensor lossSums, boolean training, MemoryScope activations) {
    return new Microbatch(
        index, tokens, targets, lossMask, lossSums, gradScale, training, activations);
  }

  private void upload(TokenBatch batch) {
    if (batch.seqLength() != tokens.dim(0) || batch.batchSize() != tokens.dim(1)) {
      throw new IllegalStateException(
          "a micro-batch of %d sequences of %d tokens (expected: %d of %d)"
              .formatted(batch.batchSize(), batch.seqLength(), tokens.dim(1), tokens.dim(0)));
    }
    upload(tokens, batch.tokens());
    upload(targets, batch.targets());
    staging.clear().asFloatBuffer().put(batch.lossMask());
    staging.limit(batch.lossMask().length * Float.BYTES);
    device.upload(lossMask, staging);
  }

  private void upload(Tensor destination, int[] ids) {
    staging.clear().asIntBuffer().put(ids);
    staging.limit(ids.length * Integer.BYTES);
    device.upload(destination, staging);
  }

  @Override
  public void close() {
    scope.close();
  }
}
