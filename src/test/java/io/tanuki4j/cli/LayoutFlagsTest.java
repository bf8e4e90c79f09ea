package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.config.BackendConfig.Kind;
import io.tanuki4j.config.DistributedConfig;
import io.tanuki4j.config.DistributedConfig.Backend;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankOrder;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which ranks there are, and who works on what. */
class LayoutFlagsTest {
  private static final String LOCAL = "--distributed-backend local ";

  @TempDir Path folder;
  private CommandLines lines;

  @BeforeEach
  void make_files() throws IOException {
    lines = new CommandLines(folder);
  }

  /** A process among those of a launcher. */
  private CommandLines launched(int worldSize) {
    return lines.withEnvironment(
        Map.of("RANK", "1", "WORLD_SIZE", "" + worldSize, "MASTER_ADDR", "localhost"));
  }

  @Test
  void a_process_that_nobody_launched_is_one_rank() {
    RunConfig config = lines.config("");
    assertThat(config.distributed())
        .isEqualTo(new DistributedConfig(Backend.NCCL, 1, 1, Duration.ofMinutes(10)));
    assertThat(config.parallel().dims()).isEqualTo(ParallelDims.SINGLE);
    assertThat(config.parallel().order()).isEqualTo(RankOrder.TP_CP_DP_PP);
    assertThat(config.backend().kind()).as("a GPU if there is one").isNull();
  }

  @Test
  void threads_are_as_many_as_one_replica_of_the_model_has() {
    RunConfig config = lines.config(LOCAL + "--pipeline-model-parallel-size 2");
    assertThat(config.distributed().worldSize()).isEqualTo(2);
    assertThat(config.distributed().ranksPerDevice()).isEqualTo(2);
    assertThat(config.parallel().dims()).isEqualTo(ParallelDims.of(1, 1, 1, 2));
    assertThat(config.parallel().layout().layers().counts()).containsExactly(1, 1);
    assertThat(config.backend().kind()).isEqualTo(Kind.CPU);
    assertThat(config.arguments())
        .containsEntry("world_size", 2)
        .containsEntry("data_parallel_size", 1)
        .containsEntry("virtual_pipeline_model_parallel_size", null);
  }

  @Test
  void a_variable_of_the_launcher_that_cannot_be_right_is_the_only_problem() {
    Map<String, String> environment =
        Map.of("RANK", "2", "WORLD_SIZE", "2", "MASTER_ADDR", "localhost");
    String words =
        CommandLines.SMALLEST + " --pipeline-model-parallel-size 2 --distributed-backend gloo";
    assertThat(lines.withEnvironment(environment).problems(words))
        .containsExactly(
            "RANK: 2 (expected: an integer from 0 to 1). The launcher of the ranks sets it.");
  }

  @Test
  void processes_are_as_many_as_the_launcher_says() {
    RunConfig config =
        launched(2)
            .config(
                "--pipeline-model-parallel-size 2 --distributed-backend gloo"
                    + " --distributed-timeout-minutes 1 --use-tp-pp-dp-mapping");
    assertThat(config.distributed())
        .isEqualTo(new DistributedConfig(Backend.GLOO, 2, 1, Duration.ofMinutes(1)));
    assertThat(config.distributed().ranksPerDevice()).isEqualTo(1);
    assertThat(config.parallel().order()).isEqualTo(RankOrder.TP_CP_PP_DP);
  }

  @Test
  void stages_take_chunks_of_layers_in_turn() {
    RunConfig config =
        lines.config(
            LOCAL
                + "--num-layers 8 --pipeline-model-parallel-size 2 --global-batch-size 4"
                + " --num-layers-per-virtual-pipeline-stage 2");
    assertThat(config.parallel().dims().vpp()).isEqualTo(2);
    assertThat(config.arguments()).containsEntry("virtual_pipeline_model_parallel_size", 2);
  }

  @Test
  void stages_may_have_layers_of_their_own_number() {
    RunConfig config =
        lines.config(
            LOCAL
                + "--num-layers 7 --pipeline-model-parallel-size 3"
                + " --decoder-first-pipeline-num-layers 1");
    assertThat(config.parallel().layout().layers().counts()).containsExactly(1, 3, 3);
  }

  @Test
  void the_log_begins_with_all_sizes() {
    Resolved resolved =
        lines.resolve(CommandLines.SMALLEST + " " + LOCAL + "--pipeline-model-parallel-size 2");
    assertThat(resolved.notices().get(0))
        .startsWith("using world size: 2, data-parallel size: 1, context-parallel size: 1,")
        .contains("pipeline-model-parallel size: 2");
    assertThat(resolved.notices())
        .contains("setting backend to cpu, for --distributed-backend local");
  }

  @Test
  void a_growing_batch_must_suit_the_interleaved_stages() {
    List<String> problems =
        lines.problems(
            CommandLines.SMALLEST.replace("--train-iters 10", "--train-samples 40")
                + " --num-layers 4 --pipeline-model-parallel-size 2 --global-batch-size 8 "
                + LOCAL
                + "--num-layers-per-virtual-pipeline-stage 1 --rampup-batch-size 2 2 20");
    assertThat(problems)
        .containsExactly(
            "--rampup-batch-size: 2 2 20 (expected: start and increment that are multiples of 4,"
                + " as --global-batch-size must be). Change them or --micro-batch-size.");
  }

  @Test
  void a_wrong_environment_is_a_sentence() {
    assertThat(lines.withEnvironment(Map.of("WORLD_SIZE", "8")).problems(CommandLines.SMALLEST))
        .containsExactly(
            "RANK: not set, but WORLD_SIZE is (expected: both or none). Start the ranks with"
                + " tanuki4j launch, torchrun or srun.");
    assertThat(launched(2).problems(CommandLines.SMALLEST + " --distributed-backend local"))
        .containsExactly(
            "--distributed-backend: local (expected: gloo or nccl, since a launcher has started 2"
                + " processes). Start one process, without the launcher.");
  }
}
