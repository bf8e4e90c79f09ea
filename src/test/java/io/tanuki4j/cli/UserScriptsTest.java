package io.tanuki4j.cli;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.config.BackendConfig.Kind;
import io.tanuki4j.config.DistributedConfig.Backend;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.kernel.Fp8Kernels.Window;
import io.tanuki4j.metrics.wandb.WandbConfig;
import io.tanuki4j.nn.fp8.Fp8Config;
import io.tanuki4j.nn.fp8.Fp8Config.Recipe;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.tensor.DType;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The command lines that Megatron's users bring. */
class UserScriptsTest {
  @TempDir Path folder;
  private CommandLines lines;
  private List<String> words;

  @BeforeEach
  void read_the_script() throws IOException, URISyntaxException {
    lines = new CommandLines(folder);
    Path script = Path.of(UserScriptsTest.class.getResource("set-a.args").toURI());
    words = new ArrayList<>(ArgumentFiles.expand(List.of("@" + script)));
    words.replaceAll(word -> word.replace("DIR", folder.toString()));
  }

  @Test
  void a_first_run_lacks_only_the_devices() {
    assertThat(lines.problems(words))
        .containsExactly(
            "world size: 1 (expected: a multiple of --tensor-model-parallel-size 1 x"
                + " --context-parallel-size 1 x --pipeline-model-parallel-size 4 = 4). Start 4"
                + " ranks by tanuki4j launch, or as threads by --distributed-backend local, or"
                + " change the sizes.");
  }

  @Test
  void on_four_gpus_it_runs() {
    Map<String, String> environment =
        Map.of("RANK", "3", "WORLD_SIZE", "4", "LOCAL_RANK", "3", "MASTER_ADDR", "localhost");
    RunConfig config = lines.withEnvironment(environment).resolve(words).config();
    assertThat(config.distributed().backend()).isEqualTo(Backend.NCCL);
    assertThat(config.backend().kind()).isEqualTo(Kind.CUDA);
    assertThat(config.parallel().dims()).isEqualTo(ParallelDims.of(1, 1, 1, 4));
    assertThat(config.parallel().dataParallel().distributedOptimizer()).isTrue();
    assertThat(config.train().batches().numMicrobatches(1536)).isEqualTo(1536);
  }

  @Test
  void on_one_cpu_it_runs() {
    words.addAll(List.of("--pipeline-model-parallel-size", "1"));
    Resolved resolved = lines.resolve(words);
    RunConfig config = resolved.config();
    assertThat(config.model().attention().numQueryGroups()).isEqualTo(8);
    assertThat(config.model().rotary().base()).isEqualTo(10000);
    assertThat(config.model().training().zLoss()).isEqualTo(1e-4);
    assertThat(config.model().embeddings().tied()).isFalse();
    assertThat(config.schedule().rate().warmupSamples()).isEqualTo(1000 * 1536);
    assertThat(resolved.notices())
        .contains(
            "Checkpoint not found to provide arguments, using provided arguments.",
            "Disabling sequence parallelism because tensor model parallelism is disabled",
            "accepted without effect here (see --help): --use-mpi --use-mcore-models"
                + " --transformer-impl --use-flash-attn --attention-softmax-in-fp32"
                + " --no-masked-softmax-fusion");
  }

  @Test
  void a_continued_run_changes_flags_behind_the_script() {
    words.addAll(List.of("--pipeline-model-parallel-size", "1", "--adam-eps", "1e-08"));
    words.addAll(
        List.of("--rope-theta", "500000.0", "--finetune", "--no-load-rng", "--no-load-optim"));
    RunConfig config = lines.resolve(words).config();
    assertThat(config.model().rotary().base()).isEqualTo(500000);
    assertThat(config.optimizer().epsilon()).isEqualTo(1e-8);
    assertThat(config.checkpoint().loading().taken().finetune()).isTrue();
    assertThat(config.checkpoint().loading().taken().optimizer()).isFalse();
  }

  @Test
  void scripts_for_h100s_multiply_numbers_of_eight_bits() {
    words.addAll(lines.split("--pipeline-model-parallel-size 1 --fp8-format hybrid"));
    words.addAll(lines.split("--fp8-amax-compute-algo max --fp8-amax-history-len 1024"));
    words.addAll(
        lines.split("--no-fp8-wgrad --fp8-interval 1 --transformer-impl transformer_engine"));
    assertThat(lines.resolve(words).config().precision().fp8())
        .isEqualTo(
            new Fp8Config(
                DType.F8_E5M2, Recipe.DELAYED, 0, 1024, Window.MAX, true, Fp8Config.Ends.NONE));
  }

  /** The script names its run; the project comes behind it. */
  @Test
  void a_project_of_weights_and_biases_takes_the_name_of_the_script() {
    words.addAll(lines.split("--pipeline-model-parallel-size 1"));
    words.addAll(lines.split("--wandb-project llama --wandb-entity team"));
    WandbConfig wandb = requireNonNull(lines.resolve(words).config().sinks().wandb());
    assertThat(wandb.project()).isEqualTo("llama");
    assertThat(wandb.entity()).isEqualTo("team");
    assertThat(wandb.name()).isNotEmpty();
    assertThat(wandb.folder()).hasFileName("wandb");
  }
}
