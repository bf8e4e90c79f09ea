package io.tanuki4j.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cuda.TestGpu;
import io.tanuki4j.cli.CommandLines;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.data.RandomBatches;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.run.Closer;
import io.tanuki4j.run.RankModel;
import io.tanuki4j.train.TrainStep;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is planned without a GPU against what a run holds of one. */
@Tag("gpu")
class GpuPlanTest {
  /** Blocks are larger than what lies in them, and cuDNN has workspaces of its own. */
  private static final double TOLERANCE = 0.03;

  private static final int VOCAB_SIZE = 32_000;
  private static final int ITERATIONS = 3;

  @TempDir Path folder;

  /** About 10 GiB, and half of it activations. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "--recompute-granularity full --recompute-method uniform --recompute-num-layers 1",
        "--recompute-granularity selective"
      })
  void a_run_holds_what_was_planned(String flags, TestReporter reporter) throws IOException {
    RunConfig config =
        new CommandLines(folder)
            .config(
                "--num-layers 8 --hidden-size 2048 --ffn-hidden-size 5632 --num-attention-heads 16"
                    + " --seq-length 4096 --max-position-embeddings 4096 --bf16 --backend cuda"
                    + " --untie-embeddings-and-output-weights --micro-batch-size 2 "
                    + flags);
    RankPlan plan = RankPlan.of(config, config.model().withVocabSize(VOCAB_SIZE), 0);
    long held = held(config);
    reporter.publishEntry("planned %d bytes, held %d".formatted(plan.total(), held));
    assertThat((double) held / plan.total()).isCloseTo(1, within(TOLERANCE));
  }

  private static long held(RunConfig config) {
    try (Backend backend = TestGpu.backend();
        Device device = backend.openDevice(0);
        Closer closer = new Closer()) {
      RankModel model =
          RankModel.build(config, VOCAB_SIZE, device, ParallelContext.single(device), closer);
      model.initialize(config.train().seed());
      TrainStep step =
          new TrainStep(
              device,
              model.runner(closer),
              model.data(),
              model.optimizer(config.optimizer(), false),
              model.memory());
      RandomBatches batches =
          new RandomBatches(model.shape().sizes().seqLength(), 2, VOCAB_SIZE, 1, 0);
      for (int i = 0; i < ITERATIONS; i++) {
        step.run(batches, 2, Rates.of(1e-4, 0));
      }
      device.synchronize();
      return device.bytesHeld();
    }
  }
}
