package io.tanuki4j.parallel.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PipelineExecutorTest {
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Shape HIDDEN = Shape.of(4, 1, 2);
  private static final Shape TOKENS = Shape.of(4, 1);

  @ParameterizedTest
  @CsvSource({"1, 1, 6", "2, 1, 6", "3, 1, 2", "2, 3, 4"})
  void micro_batches_in_flight_share_as_few_memories_as_are_planned(
      int numStages, int numChunks, int numMicrobatches) {
    PipelineShape shape = new PipelineShape(numStages, numChunks, numMicrobatches);
    PipelineSchedule schedule = PipelineSchedule.forTraining(numChunks);
    RankThreads.run(
        numStages,
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice();
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            List<String> places = new ArrayList<>();
            PipelineStage<Tensor> stage = stage(device.device(), factory, numChunks, places);
            Tensor lossSums = lossSums(device);
            try (PipelineExecutor<Tensor> executor = executor(device.device(), stage)) {
              executor.train(numMicrobatches, (i, inputs) -> {}, lossSums);
              List<String> first = List.copyOf(places);
              long held = device.device().bytesInUse();
              executor.train(numMicrobatches, (i, inputs) -> {}, lossSums);
              assertThat(new HashSet<>(first))
                  .hasSize(SlotPlan.of(schedule.actions(shape, seat.globalRank())).numSlots());
              assertThat(places.subList(first.size(), places.size())).isEqualTo(first);
              assertThat(device.device().bytesInUse()).isEqualTo(held);
            }
          }
        });
  }

  @Test
  void evaluation_needs_the_memory_of_one_micro_batch() {
    try (TestDevice device = new TestDevice()) {
      List<String> places = new ArrayList<>();
      PipelineStage<Tensor> stage =
          PipelineStage.whole(
              new PassingChunk(device.device(), true, true, places), device.device());
      try (PipelineExecutor<Tensor> executor = executor(device.device(), stage)) {
        executor.evaluate(7, (i, inputs) -> {}, lossSums(device));
      }
      assertThat(places).hasSize(7);
      assertThat(new HashSet<>(places)).hasSize(1);
    }
  }

  @Test
  void each_forward_asks_for_the_tokens_of_its_micro_batch() {
    try (TestDevice device = new TestDevice()) {
      List<Integer> asked = new ArrayList<>();
      PipelineStage<Tensor> stage =
          PipelineStage.whole(
              new PassingChunk(device.device(), true, true, new ArrayList<>()), device.device());
      try (PipelineExecutor<Tensor> executor = executor(device.device(), stage)) {
        executor.train(4, (i, inputs) -> asked.add(i), lossSums(device));
      }
      assertThat(asked).containsExactly(0, 1, 2, 3);
    }
  }

  @Test
  void refuses_a_stage_without_a_chunk() {
    try (TestDevice device = new TestDevice()) {
      ProcessGroup alone =
          PipelineStage.whole(
                  new PassingChunk(device.device(), true, true, new ArrayList<>()), device.device())
              .group();
      TiedParameters none = new TiedParameters(List.of(), alone);
      assertThatThrownBy(() -> new PipelineStage<Tensor>(List.of(), alone, HIDDEN, DType.F32, none))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static PipelineExecutor<Tensor> executor(Device device, PipelineStage<Tensor> stage) {
    PipelineSchedule schedule = PipelineSchedule.forTraining(stage.chunks().size());
    return new PipelineExecutor<>(device, stage, schedule, TOKENS, 0);
  }

  private static Tensor lossSums(TestDevice device) {
    return device.scope().allocate(Shape.of(LossKernels.NUM_SUMS), DType.F64);
  }

  private static PipelineStage<Tensor> stage(
      Device device, ProcessGroupFactory factory, int numChunks, List<String> places) {
    List<Integer> all = IntStream.range(0, factory.worldSize()).boxed().toList();
    ProcessGroup group = factory.create("pp", List.of(all));
    PipelineShape shape = new PipelineShape(group.size(), numChunks, 1);
    List<ModelChunk<Tensor>> chunks = new ArrayList<>();
    for (int chunk = 0; chunk < numChunks; chunk++) {
      boolean first = shape.isFirst(group.rank(), chunk);
      boolean last = shape.isLast(group.rank(), chunk);
      chunks.add(new PassingChunk(device, first, last, places));
    }
    TiedParameters none = new TiedParameters(Collections.emptyList(), group);
    return new PipelineStage<>(chunks, group, HIDDEN, DType.F32, none);
  }

  /** Passes hidden states and gradients on, and notes where its activations are. */
  private record PassingChunk(Device device, boolean first, boolean last, List<String> places)
      implements ModelChunk<Tensor> {
    @Override
    public ChunkForward<Tensor> forward(@Nullable Tensor hidden, Microbatch microbatch) {
      Kernels kernels = device.kernels();
      Tensor out = microbatch.scope().allocate(HIDDEN, DType.F32);
      places.add(System.identityHashCode(out.buffer()) + "+" + out.byteOffset());
      if (hidden == null) {
        kernels.elementwise().fill(out, 1);
      } else {
        kernels.elementwise().copy(out, hidden);
      }
      return new ChunkForward<>(last ? null : out, out);
    }

    @Override
    public @Nullable Tensor backward(
        Tensor saved, @Nullable Tensor dHidden, Microbatch microbatch) {
      assertThat(dHidden == null).isEqualTo(last);
      if (first) {
        return null;
      }
      return dHidden == null ? saved : dHidden;
    }

    @Override
    public List<Parameter> parameters() {
      return List.of();
    }
  }
}
