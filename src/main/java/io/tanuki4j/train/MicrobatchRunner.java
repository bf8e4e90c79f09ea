package io.tanuki4j.train;

import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.Replay;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.parallel.pipeline.ModelChunk;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.IdentityHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Runs micro-batches of one shape through a model. Their ids go into the same device memory each
 * time, and their activations into a child of one scope, so that every micro-batch repeats the
 * addresses of the one before. The first one runs operation by operation; the device records the
 * second and replays it from then on.
 *
 * @param <S> what the model's forward saves for its backward
 */
public final class MicrobatchRunner<S> implements AutoCloseable {
  /** Label of the scope that holds all of a micro-batch. */
  public static final String SCOPE = "micro-batch";

  private final Device device;
  private final ModelChunk<S> model;
  private final MemoryScope scope;
  private final Tensor tokens;
  private final Tensor targets;
  private final Tensor lossMask;
  private final Tensor gradScale;
  private final ByteBuffer staging;
  private final Map<Tensor, Pass> training = new IdentityHashMap<>();
  private final Map<Tensor, Pass> evaluation = new IdentityHashMap<>();

  /**
   * @param model the whole model
   * @param plannedBytes of device memory that a micro-batch takes, see {@link #rehearse}; 0 if
   *     unknown
   */
  public MicrobatchRunner(
      Device device, ModelChunk<S> model, int seqLength, int microBatchSize, long plannedBytes) {
    this.device = device;
    this.model = model;
    this.scope = device.openScope(SCOPE, plannedBytes);
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
   * @param lossSums {@code [LossKernels.NUM_SUMS]}, F64, added to; the same tensor for many
   *     micro-batches, since what is recorded belongs to it
   */
  void train(TokenBatch batch, Tensor lossSums) {
    upload(batch);
    training.computeIfAbsent(lossSums, sums -> new Pass(() -> forwardBackward(sums))).run();
  }

  /** Forward alone; arguments as for {@link #train}. */
  void evaluate(TokenBatch batch, Tensor lossSums) {
    upload(batch);
    evaluation.computeIfAbsent(lossSums, sums -> new Pass(() -> forward(sums))).run();
  }

  /**
   * Issues the operations of a micro-batch, without a batch: on a device that only counts, {@link
   * #SCOPE} has been as high as on another.
   */
  public void rehearse() {
    try (MemoryScope sums = device.openScope("sums")) {
      forwardBackward(sums.allocate(Shape.of(LossKernels.NUM_SUMS), DType.F64));
    }
  }

  private void forwardBackward(Tensor lossSums) {
    try (MemoryScope activations = scope.child("activations")) {
      Microbatch microbatch = microbatch(lossSums, true, activations);
      S saved = model.forward(null, microbatch).saved();
      model.backward(saved, null, microbatch);
    }
  }

  private void forward(Tensor lossSums) {
    try (MemoryScope activations = scope.child("activations")) {
      model.forward(null, microbatch(lossSums, false, activations));
    }
  }

  private Microbatch microbatch(Tensor lossSums, boolean isTraining, MemoryScope activations) {
    return new Microbatch(tokens, targets, lossMask, lossSums, gradScale, isTraining, activations);
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
    training.values().forEach(Pass::close);
    evaluation.values().forEach(Pass::close);
    scope.close();
  }

  /** Work that is done as it is once, and recorded then. */
  private final class Pass {
    private final Runnable work;
    private boolean ranOnce;
    private @Nullable Replay replay;

    Pass(Runnable work) {
      this.work = work;
    }

    void run() {
      if (!ranOnce) {
        work.run();
        ranOnce = true;
        return;
      }
      if (replay == null) {
        replay = device.record(work);
      }
      replay.run();
    }

    void close() {
      if (replay != null) {
        replay.close();
      }
    }
  }
}
