package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Replay;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.parallel.pipeline.ModelChunk.ChunkForward;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * What a chunk does with the micro-batches of one slot. Every one repeats the same operations at
 * the same addresses, so a device may record forward, backward and the halves of one once.
 */
final class RecordedChunk<S> implements AutoCloseable {
  private final ModelChunk<S> chunk;
  private final Supplier<Microbatch> begin;
  private final @Nullable Tensor hidden;
  private final @Nullable Tensor dHidden;
  private final RepeatedWork forward;
  private final RepeatedWork backward;
  private final RepeatedWork inputGradient;
  private final RepeatedWork weightGradient;
  private @Nullable Microbatch microbatch;
  private @Nullable ChunkForward<S> made;
  private @Nullable Tensor dInput;

  /**
   * @param begin gives the slot's memory to a new micro-batch
   * @param hidden where the chunk's input is received; null for the first
   * @param dHidden where the gradient of its output is received; null for the last
   */
  RecordedChunk(
      Device device,
      ModelChunk<S> chunk,
      Supplier<Microbatch> begin,
      @Nullable Tensor hidden,
      @Nullable Tensor dHidden) {
    this.chunk = chunk;
    this.begin = begin;
    this.hidden = hidden;
    this.dHidden = dHidden;
    this.forward = new RepeatedWork(device, this::issueForward);
    this.backward = new RepeatedWork(device, this::issueBackward);
    this.inputGradient = new RepeatedWork(device, this::issueInputGradient);
    this.weightGradient = new RepeatedWork(device, this::issueWeightGradient);
  }

  void run(ChunkPass unit) {
    RepeatedWork work =
        switch (unit.direction()) {
          case FORWARD -> forward;
          case BACKWARD -> backward;
          case INPUT_GRADIENT -> inputGradient;
          case WEIGHT_GRADIENT -> weightGradient;
        };
    work.run();
  }

  /** Returns the result of the unit that another stage needs. */
  Tensor made(ChunkPass unit) {
    Tensor result = unit.isForward() ? inFlight(made).hidden() : dInput;
    return Objects.requireNonNull(result, "the ends of the model make nothing for other stages");
  }

  private void issueForward() {
    microbatch = begin.get();
    made = chunk.forward(hidden, microbatch);
  }

  private void issueBackward() {
    issueBackward(inFlight(microbatch));
  }

  private void issueInputGradient() {
    Microbatch split = inFlight(microbatch).split();
    microbatch = split;
    issueBackward(split);
  }

  private void issueBackward(Microbatch in) {
    dInput = chunk.backward(inFlight(made).saved(), dHidden, in);
  }

  private void issueWeightGradient() {
    inFlight(microbatch).finishSplit();
  }

  private static <T> T inFlight(@Nullable T value) {
    return Objects.requireNonNull(value, "no forward before");
  }

  @Override
  public void close() {
    for (RepeatedWork work : List.of(forward, backward, inputGradient, weightGradient)) {
      work.close();
    }
  }

  /**
   * Work that is repeated at the same addresses: issued operation by operation the first time,
   * recorded the second time, and replayed from then on.
   */
  private static final class RepeatedWork implements AutoCloseable {
    private final Device device;
    private final Runnable work;
    private boolean ranOnce;
    private @Nullable Replay replay;

    RepeatedWork(Device device, Runnable work) {
      this.device = device;
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

    @Override
    public void close() {
      if (replay != null) {
        replay.close();
      }
    }
  }
}
