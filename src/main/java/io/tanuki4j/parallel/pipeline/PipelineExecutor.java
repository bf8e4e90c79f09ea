package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.ParameterListener;
import io.tanuki4j.parallel.pipeline.Action.Exchange;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Carries out the actions of one stage: a loop over computations and exchanges. It has a {@link
 * Slot} for each micro-batch in flight, as many as the schedule promises; without a pipeline there
 * is one stage, one slot, and nothing to exchange.
 *
 * @param <S> what the chunks' forward saves for their backward
 */
public final class PipelineExecutor<S> implements AutoCloseable {
  private final Device device;
  private final PipelineStage<S> stage;
  private final PipelineSchedule training;
  private final PipelineSchedule evaluation = new ForwardOnly();
  private final Slot.Contents slotContents;
  private final long slotBytes;
  private final Tensor gradScale;
  private final List<Slot> slots = new ArrayList<>();
  private final Map<Key, RecordedChunk<S>> recordedChunks = new HashMap<>();
  private final Map<PipelineSchedule, Map<Integer, Plan>> plans = new HashMap<>();

  /**
   * @param training the schedule of forwards and backwards
   * @param tokensShape {@code [s, b]}, this rank's part
   * @param slotBytes of device memory that a micro-batch in flight takes; 0 if unknown
   */
  public PipelineExecutor(
      Device device,
      PipelineStage<S> stage,
      PipelineSchedule training,
      Shape tokensShape,
      long slotBytes) {
    this.device = device;
    this.stage = stage;
    this.training = training;
    this.slotContents = contents(stage, tokensShape);
    this.slotBytes = slotBytes;
    MemoryScope first = device.openScope(slotLabel(0), slotBytes);
    this.gradScale = first.allocate(Shape.of(1), DType.F64);
    slots.add(new Slot(first, slotContents));
  }

  /** Returns the label of the scope that holds all of a slot. */
  public static String slotLabel(int slot) {
    return "micro-batch slot " + slot;
  }

  /** The actions of an iteration, and where their activations go. */
  private record Plan(List<Action> actions, SlotPlan slots) {}

  /** What a recording belongs to. */
  private record Key(
      int slot,
      int chunk,
      int maxDocuments,
      Accumulate weightGrads,
      ParameterListener listener,
      boolean training,
      Tensor lossSums,
      int phase) {}

  /** Chooses the listeners of training micro-batches. */
  @FunctionalInterface
  public interface Listeners {
    /** No listeners. */
    Listeners NONE = (microbatch, numMicrobatches) -> ParameterListener.NONE;

    /**
     * Returns the listener of a micro-batch: always the same object for the same place, since what
     * is recorded belongs to it.
     *
     * @param microbatch within the iteration, from 0
     */
    ParameterListener of(int microbatch, int numMicrobatches);
  }

  /** Returns the factor of the summed loss's gradient, {@code [1]}, F64. */
  public Tensor gradScale() {
    return gradScale;
  }

  /**
   * Runs forward and backward of an iteration; overwrites the gradients of the parameters.
   *
   * @param lossSums {@code [LossKernels.NUM_SUMS]}, F64, added to by the last stage; the same
   *     tensor for many iterations, since what is recorded belongs to it
   * @param listeners of the micro-batches
   * @throws IllegalArgumentException if the schedule does not allow this number of micro-batches
   */
  public void train(
      int numMicrobatches, MicrobatchSource source, Tensor lossSums, Listeners listeners) {
    new Walk(training, numMicrobatches, source, lossSums, listeners).run();
    stage.state().endIteration();
  }

  /** Runs an iteration without listeners. */
  public void train(int numMicrobatches, MicrobatchSource source, Tensor lossSums) {
    train(numMicrobatches, source, lossSums, Listeners.NONE);
  }

  /** Runs the forward alone; arguments as for {@link #train}. */
  public void evaluate(int numMicrobatches, MicrobatchSource source, Tensor lossSums) {
    new Walk(evaluation, numMicrobatches, source, lossSums, Listeners.NONE).run();
  }

  private final class Walk {
    private final Plan plan;
    private final int numMicrobatches;
    private final MicrobatchSource source;
    private final Tensor lossSums;
    private final Listeners listeners;
    private final boolean forTraining;

    Walk(
        PipelineSchedule schedule,
        int numMicrobatches,
        MicrobatchSource source,
        Tensor lossSums,
        Listeners listeners) {
      this.plan = plan(schedule, numMicrobatches);
      this.numMicrobatches = numMicrobatches;
      this.source = source;
      this.lossSums = lossSums;
      this.listeners = listeners;
      this.forTraining = schedule == training;
    }

    void run() {
      for (Action action : plan.actions()) {
        Work messages = action instanceof Exchange exchange ? post(exchange) : Work.DONE;
        action.units().forEach(this::compute);
        messages.await();
      }
    }

    private void compute(ChunkPass unit) {
      RecordedChunk<S> chunk = recordedChunk(unit);
      if (unit.isForward()) {
        source.load(unit.microbatch(), slot(unit).inputs());
      }
      chunk.run(unit);
    }

    private Work post(Exchange exchange) {
      List<Send> sends =
          exchange.sends().stream()
              .map(send -> new Send(recordedChunk(send.unit()).made(send.unit()), send.peer()))
              .toList();
      List<Recv> receives =
          exchange.receives().stream()
              .map(receive -> new Recv(needed(receive.unit()), receive.peer()))
              .toList();
      return stage.group().exchange(sends, receives);
    }

    private Tensor needed(ChunkPass unit) {
      return unit.isForward() ? slot(unit).hidden() : slot(unit).dHidden();
    }

    private Slot slot(ChunkPass unit) {
      return slots.get(plan.slots().slotOf(unit));
    }

    private RecordedChunk<S> recordedChunk(ChunkPass unit) {
      int slot = plan.slots().slotOf(unit);
      Accumulate weightGrads = unit.microbatch() == 0 ? Accumulate.OVERWRITE : Accumulate.ADD;
      ParameterListener listener = listeners.of(unit.microbatch(), numMicrobatches);
      int phase = stage.state().phase();
      int maxDocuments = source.maxDocuments(unit.microbatch());
      Key key =
          new Key(
              slot,
              unit.chunk(),
              maxDocuments,
              weightGrads,
              listener,
              forTraining,
              lossSums,
              phase);
      return recordedChunks.computeIfAbsent(key, PipelineExecutor.this::open);
    }
  }

  private RecordedChunk<S> open(Key key) {
    Slot slot = slots.get(key.slot());
    PipelineShape shape = stage.shape(1);
    int index = stage.group().rank();
    return new RecordedChunk<>(
        device,
        stage.chunks().get(key.chunk()),
        () ->
            slot.begin(
                key.maxDocuments(),
                key.lossSums(),
                gradScale,
                key.weightGrads(),
                RepeatedListener.of(device, key.listener()),
                key.training()),
        shape.isFirst(index, key.chunk()) ? null : slot.hidden(),
        shape.isLast(index, key.chunk()) ? null : slot.dHidden());
  }

  private Plan plan(PipelineSchedule schedule, int numMicrobatches) {
    return plans
        .computeIfAbsent(schedule, key -> new HashMap<>())
        .computeIfAbsent(numMicrobatches, count -> newPlan(schedule, count));
  }

  private Plan newPlan(PipelineSchedule schedule, int numMicrobatches) {
    int index = stage.group().rank();
    List<Action> actions = schedule.actions(stage.shape(numMicrobatches), index);
    SlotPlan slotPlan = SlotPlan.of(actions);
    while (slots.size() < slotPlan.numSlots()) {
      MemoryScope scope = device.openScope(slotLabel(slots.size()), slotBytes);
      slots.add(new Slot(scope, slotContents));
    }
    return new Plan(actions, slotPlan);
  }

  private static Slot.Contents contents(PipelineStage<?> stage, Shape tokensShape) {
    PipelineShape shape = stage.shape(1);
    int index = stage.group().rank();
    int last = stage.chunks().size() - 1;
    return new Slot.Contents(
        tokensShape,
        stage.hiddenShape(),
        stage.hiddenType(),
        stage.samples(),
        !shape.isFirst(index, last),
        !shape.isLast(index, 0));
  }

  @Override
  public void close() {
    recordedChunks.values().forEach(RecordedChunk::close);
    slots.forEach(Slot::close);
  }
}
