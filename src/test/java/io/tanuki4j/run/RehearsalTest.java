package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.config.Precision;
import io.tanuki4j.data.RandomBatches;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.model.TestModels;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.LayerCommunication;
import io.tanuki4j.parallel.Layout;
import io.tanuki4j.parallel.ParallelConfig;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankOrder;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.run.RankModel.PlanRequest;
import io.tanuki4j.train.MicrobatchRunner;
import io.tanuki4j.train.TrainStep;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is counted without other ranks, against ranks that really exchange it. */
class RehearsalTest {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** Tensors begin at multiples of 512 bytes. */
  private static final double ALIGNMENT = 0.01;

  private static final int NUM_LAYERS = 4;
  private static final int NUM_MICROBATCHES = 4;

  private static ModelConfig model(boolean tied) {
    return TestModels.llama(
        new Sizes(NUM_LAYERS, 16, 24, 32, 16, 16),
        new Attention(4, 4, 4),
        tied,
        new Training(0.02, 0, Recompute.NONE));
  }

  private static final DataParallelConfig SHARDED =
      new DataParallelConfig(true, false, false, false, null);
  private static final DataParallelConfig OVERLAPPED =
      new DataParallelConfig(true, true, true, false, 300);

  private static ParallelConfig parallel(ParallelDims dims, DataParallelConfig data) {
    StageLayers layers = StageLayers.even(NUM_LAYERS, dims.pp(), dims.vpp());
    return new ParallelConfig(
        new Layout(dims, layers), RankOrder.TP_CP_DP_PP, false, LayerCommunication.PLAIN, data);
  }

  @ParameterizedTest
  @CsvSource({
    "2, 1, 1, 1, 1, false, false",
    "1, 2, 1, 1, 1, false, true",
    "1, 1, 3, 1, 1, false, true",
    "1, 1, 1, 2, 2, false, false",
    "2, 1, 2, 2, 1, true, true",
    "2, 2, 1, 2, 1, true, true",
  })
  void bytes_sent_are_those_of_ranks_that_send(
      int tp, int cp, int dp, int pp, int vpp, boolean sequenceParallel, boolean sharded) {
    ParallelDims dims = new ParallelDims(tp, cp, dp, pp, vpp, sequenceParallel);
    ModelConfig model = model(pp > 1);
    DataParallelConfig data = sharded ? SHARDED : DataParallelConfig.PLAIN;
    ParallelConfig parallel = parallel(dims, dp == 2 ? OVERLAPPED : data);
    Map<Integer, Map<String, Long>> sent = new ConcurrentHashMap<>();
    RankThreads.run(
        dims.worldSize(),
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice(new CpuBackend(1));
              ProcessGroupFactory groups = seat.processGroups(device.device())) {
            ParallelContext context = ParallelContext.create(parallel.grid(), groups);
            sent.put(seat.globalRank(), iterate(model, parallel, device, context));
          }
        });
    assertThat(sent.get(0)).isNotEmpty();
    for (int rank = 0; rank < dims.worldSize(); rank++) {
      try (Rehearsal rehearsal =
          new Rehearsal(new PlanRequest(model, Precision.FP32, 1, parallel, rank))) {
        assertThat(rehearsal.iteration(NUM_MICROBATCHES).bytesSent())
            .as("rank %d", rank)
            .isEqualTo(sent.get(rank));
      }
    }
  }

  private static Map<String, Long> iterate(
      ModelConfig model, ParallelConfig parallel, TestDevice device, ParallelContext context) {
    RankModel part =
        RankModel.build(
            new PlanRequest(model, Precision.FP32, 1, parallel, context.globalRank()),
            MemoryPlan.NONE,
            context,
            device.device(),
            device.scope());
    part.initialize(1);
    AdamW optimizer = part.optimizer(new OptimizerConfig(0.9, 0.95, 1e-8, 1), false);
    try (Closer closer = new Closer()) {
      MicrobatchRunner<?> runner = part.runner(closer);
      TrainStep step =
          new TrainStep(device.device(), runner, part.data(), optimizer, device.scope());
      RandomBatches batches =
          new RandomBatches(
              model.sizes().seqLength(), 1, model.sizes().vocabSize(), NUM_MICROBATCHES, 1);
      step.run(batches, NUM_MICROBATCHES, Rates.of(1e-3, 0));
    }
    Map<String, Long> sent = new TreeMap<>();
    for (ProcessGroup group : context.groups()) {
      if (group.size() > 1) {
        sent.put(group.name(), group.bytesSent());
      }
    }
    return sent;
  }

  @Test
  void optimizer_state_is_shared_out_among_replicas_and_weights_among_shards() {
    MemoryPlan alone = plan(ParallelDims.of(1, 1, 1, 1), DataParallelConfig.PLAIN);
    MemoryPlan replica = plan(ParallelDims.of(1, 1, 4, 1), SHARDED);
    assertThat(replica.weights()).isBetween(alone.weights(), alone.weights() * 11 / 10);
    assertThat(replica.optimizer()).isBetween(alone.optimizer() / 4, alone.optimizer() * 11 / 40);
    MemoryPlan half = plan(ParallelDims.of(2, 1, 1, 1), DataParallelConfig.PLAIN);
    assertThat(half.weights()).isBetween(alone.weights() / 2, alone.weights() * 11 / 20);
  }

  @Test
  void earlier_stages_hold_more_micro_batches() {
    ParallelConfig parallel = parallel(ParallelDims.of(1, 1, 1, 4), DataParallelConfig.PLAIN);
    long[] activations = new long[4];
    for (int stage = 0; stage < 4; stage++) {
      activations[stage] =
          MemoryPlan.of(new PlanRequest(model(false), Precision.FP32, 1, parallel, stage))
              .activations();
    }
    assertThat((double) activations[1] / activations[2]).isCloseTo(1.5, within(ALIGNMENT));
  }

  private static MemoryPlan plan(ParallelDims dims, DataParallelConfig data) {
    return MemoryPlan.of(new PlanRequest(model(false), Precision.FP32, 1, parallel(dims, data), 0));
  }
}
