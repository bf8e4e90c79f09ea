package io.tanuki4j.run;

import io.tanuki4j.backend.counting.CountingDevice;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.counting.CountingFactory;
import io.tanuki4j.data.RandomBatches;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.pipeline.PipelineExecutor;
import io.tanuki4j.run.RankModel.PlanRequest;
import io.tanuki4j.train.MicrobatchRunner;
import io.tanuki4j.train.TrainStep;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * A rank's part of a run on a device that only counts, with groups that send nothing: it shows what
 * the rank would hold and send, without a GPU and without the other ranks.
 */
public final class Rehearsal implements AutoCloseable {
  /** What no number of a plan depends on. */
  private static final OptimizerConfig ANY = new OptimizerConfig(0.9, 0.95, 1e-8, 1);

  private static final String RESIDENT = "run";

  private final PlanRequest request;
  private final Closer closer = new Closer();
  private final CountingDevice device = closer.add(new CountingDevice());
  private final MemoryScope scope = closer.add(device.openScope(RESIDENT));
  private final ParallelContext context;
  private final RankModel model;
  private final AdamW optimizer;
  private final MicrobatchRunner<?> runner;

  public Rehearsal(PlanRequest request) {
    this.request = request;
    CountingFactory groups =
        new CountingFactory(request.globalRank(), request.parallel().dims().worldSize());
    context = ParallelContext.create(request.parallel().grid(), closer.add(groups));
    model = RankModel.build(request, MemoryPlan.NONE, context, device, scope);
    optimizer = model.optimizer(ANY, /* decoupled= */ false);
    runner = model.runner(closer);
  }

  /** Runs as many micro-batches as the schedule has in flight at most. */
  Rehearsal microbatches() {
    runner.rehearse();
    return this;
  }

  /** Runs an iteration of this number of micro-batches. */
  public Rehearsal iteration(int numMicrobatches) {
    TrainStep step = new TrainStep(device, runner, model.data(), optimizer, scope);
    RandomBatches batches =
        new RandomBatches(
            request.model().sizes().seqLength(),
            request.microBatchSize(),
            request.model().sizes().vocabSize(),
            1,
            0);
    step.run(batches, numMicrobatches, Rates.of(0, 0));
    return this;
  }

  /** Returns the number of parameters that the rank has. */
  public long numParameters() {
    return model.numParameters();
  }

  /** Returns the memory of what has run so far. */
  public MemoryPlan memory() {
    long largest = 0;
    int numSlots = 0;
    long slot = device.peakBytes(PipelineExecutor.slotLabel(0));
    while (slot > 0) {
      largest = Math.max(largest, slot);
      numSlots++;
      slot = device.peakBytes(PipelineExecutor.slotLabel(numSlots));
    }
    return new MemoryPlan(
        model.parameters().values().numBytes() + fp8WeightBytes(),
        model.parameters().grads().numBytes(),
        optimizerBytes(),
        numSlots * largest, // a run takes as much for each
        largest);
  }

  private long fp8WeightBytes() {
    Fp8State fp8 = model.builder().fp8();
    return fp8 == null ? 0 : fp8.weightBytes();
  }

  private long optimizerBytes() {
    long[] bytes = {0};
    optimizer.visitState((kind, parameter, state) -> bytes[0] += state.numBytes());
    return bytes[0];
  }

  /**
   * Returns all that is held outside of micro-batches: weights, gradients, optimizer, tables,
   * results.
   */
  public long residentBytes() {
    return device.peakBytes(RESIDENT);
  }

  /** Returns the bytes sent so far, by group name; none for groups of one rank. */
  public Map<String, Long> bytesSent() {
    Map<String, Long> sent = new LinkedHashMap<>();
    for (ProcessGroup group : context.groups()) {
      if (group.size() > 1) {
        sent.put(group.name(), group.bytesSent());
      }
    }
    return sent;
  }

  @Override
  public void close() {
    closer.close();
  }
}
