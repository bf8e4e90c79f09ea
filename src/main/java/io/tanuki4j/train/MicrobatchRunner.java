package io.tanuki4j.train;

import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Samples;
import io.tanuki4j.parallel.context.SequenceSharding;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.pipeline.MicrobatchSource;
import io.tanuki4j.parallel.pipeline.ModelChunk;
import io.tanuki4j.parallel.pipeline.PipelineExecutor;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.parallel.pipeline.PipelineStage;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;

/**
 * Runs micro-batches of one shape through this rank's stage of a pipeline, which is the whole model
 * if there is one stage. Puts their tokens onto the device; the rest is the {@link
 * PipelineExecutor}'s.
 *
 * @param <S> what the model's forward saves for its backward
 */
public final class MicrobatchRunner<S> implements AutoCloseable {
  private final Device device;
  private final PipelineStage<S> stage;
  private final MicrobatchTokens tokens;
  private final PipelineExecutor<S> executor;
  private final ByteBuffer staging;
  private double gradScale = Double.NaN;

  /**
   * @param model the whole model
   * @param plannedBytes of device memory that a micro-batch takes, see {@link #rehearse}; 0 if
   *     unknown
   */
  public MicrobatchRunner(
      Device device, ModelChunk<S> model, int seqLength, int microBatchSize, long plannedBytes) {
    this(
        device,
        PipelineStage.whole(model, device),
        PipelineSchedule.forTraining(1),
        new MicrobatchTokens(seqLength, microBatchSize, SequenceSharding.WHOLE),
        plannedBytes);
  }

  /**
   * @param schedule of forwards and backwards
   * @param plannedBytes of device memory that a micro-batch in flight takes, 0 if unknown
   */
  public MicrobatchRunner(
      Device device,
      PipelineStage<S> stage,
      PipelineSchedule schedule,
      MicrobatchTokens tokens,
      long plannedBytes) {
    this.device = device;
    this.stage = stage;
    this.tokens = tokens;
    Shape shape = tokens.localShape();
    this.executor = new PipelineExecutor<>(device, stage, schedule, shape, plannedBytes);
    int stagingBytes =
        Math.toIntExact(Math.max(shape.numElements() * Float.BYTES, shape.dim(1) * Long.BYTES));
    this.staging = ByteBuffer.allocateDirect(stagingBytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * Runs forward and backward of an iteration; overwrites the gradients of the model's parameters.
   *
   * @param gradScale the factor for the gradients of a micro-batch's summed loss
   * @param lossSums {@code [LossKernels.NUM_SUMS]}, F64, added to by the last stage; the same
   *     tensor for many iterations, since what is recorded belongs to it
   * @param data is told what micro-batches do with parameters
   */
  void train(
      List<TokenBatch> batches,
      ToDoubleFunction<TokenBatch> gradScale,
      Tensor lossSums,
      DataParallel data) {
    executor.train(batches.size(), new Source(batches, gradScale), lossSums, data::listener);
  }

  /** Runs the forward alone; arguments as for {@link #train}. */
  void evaluate(List<TokenBatch> batches, Tensor lossSums) {
    executor.evaluate(batches.size(), new Source(batches, batch -> gradScale), lossSums);
  }

  /**
   * Issues the operations of micro-batches, without a batch: on a device that only counts, the
   * scopes of {@link PipelineExecutor#slotLabel} have been as high as on another.
   */
  public void rehearse() {
    try (MemoryScope sums = device.openScope("sums")) {
      Tensor lossSums = sums.allocate(Shape.of(LossKernels.NUM_SUMS), DType.F64);
      executor.train(2 * stage.group().size(), (i, inputs) -> {}, lossSums);
    }
  }

  /**
   * Sets the factor for the micro-batch whose forward is issued next: the head computes its
   * gradient in the forward.
   */
  private void setGradScale(double scale) {
    if (scale != gradScale) {
      gradScale = scale;
      staging.clear().putDouble(scale).flip();
      device.upload(executor.gradScale(), staging);
    }
  }

  private final class Source implements MicrobatchSource {
    private final List<TokenBatch> batches;
    private final ToDoubleFunction<TokenBatch> gradScale;

    Source(List<TokenBatch> batches, ToDoubleFunction<TokenBatch> gradScale) {
      this.batches = batches;
      this.gradScale = gradScale;
    }

    @Override
    public void load(int microbatch, Microbatch.Inputs into) {
      TokenBatch batch = batches.get(microbatch);
      setGradScale(gradScale.applyAsDouble(batch));
      upload(into.tokens(), host -> tokens.put(host.asIntBuffer(), batch, batch.tokens()));
      upload(into.targets(), host -> tokens.put(host.asIntBuffer(), batch, batch.targets()));
      upload(into.lossMask(), host -> tokens.put(host.asFloatBuffer(), batch, batch.lossMask()));
      Samples samples = into.samples();
      uploadIds(samples.positions(), batch, batch::positions);
      uploadIds(samples.documentStarts(), batch, batch::starts);
      if (samples.numbers() != null) {
        upload(samples.numbers(), host -> putNumbers(host, batch));
      }
    }

    private static void putNumbers(ByteBuffer host, TokenBatch batch) {
      for (int i = 0; i < batch.batchSize(); i++) {
        host.putLong(batch.firstSample() + i);
      }
    }

    private void uploadIds(@Nullable Tensor into, TokenBatch batch, Supplier<int[]> ids) {
      if (into != null) {
        upload(into, host -> tokens.put(host.asIntBuffer(), batch, ids.get()));
      }
    }

    /** Returns the next power of two, so that few kinds of micro-batches are recorded. */
    @Override
    public int maxDocuments(int microbatch) {
      int documents = stage.samples().documents() ? batches.get(microbatch).maxDocuments() : 1;
      return documents == 1 ? 1 : 2 * Integer.highestOneBit(documents - 1);
    }
  }

  private void upload(Tensor destination, Consumer<ByteBuffer> content) {
    content.accept(staging.clear());
    staging.clear().limit(Math.toIntExact(destination.numBytes()));
    device.upload(destination, staging);
  }

  @Override
  public void close() {
    executor.close();
  }
}
