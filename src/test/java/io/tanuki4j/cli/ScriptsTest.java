package io.tanuki4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.config.RunConfig;
import io.tanuki4j.parallel.ParallelDims;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scripts for users, with a program that only says what it was told. */
class ScriptsTest {
  private static final String INITIAL = "8B-A100_4_pretraining_initial_v2.sh";
  private static final String CONTINUE = "8B-A100_4_pretraining_continue_v2.sh";

  @TempDir Path folder;
  private CommandLines lines;

  @BeforeEach
  void put_another_program_beside_the_scripts() throws IOException {
    lines = new CommandLines(folder);
    Path scripts = Files.createDirectory(folder.resolve("scripts"));
    for (String name : List.of(INITIAL, CONTINUE, "one_RTX3090_test.sh")) {
      Path copy = Files.copy(Path.of("scripts", name), scripts.resolve(name));
      assertThat(copy.toFile().setExecutable(true)).isTrue();
    }
    Path program = scripts.resolve("tanuki4j");
    Files.writeString(program, "#!/usr/bin/env bash\nprintf '%s\\n' \"$@\"\n");
    assertThat(program.toFile().setExecutable(true)).isTrue();
  }

  /** The words that the program gets. */
  private List<String> run(String script, Map<String, String> variables, String... more) {
    List<String> command = new ArrayList<>(List.of("bash", "scripts/" + script));
    command.addAll(Arrays.asList(more));
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().keySet().removeAll(List.of("RANK", "SLURM_PROCID", "SLURM_STEP_ID"));
    builder.environment().put("BACKEND", "cpu");
    builder.environment().put("TOKENIZER_MODEL", "small.model");
    builder.environment().put("DATA_PATH", "text_document other_document");
    builder.environment().putAll(variables);
    builder.redirectErrorStream(true);
    try {
      Process process = builder.start();
      List<String> words =
          new String(process.getInputStream().readAllBytes(), UTF_8).lines().toList();
      assertThat(process.waitFor()).as(words.toString()).isZero();
      return words;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  /** What the words after pretrain mean on a rank among as many as there are. */
  private RunConfig config(List<String> words, int worldSize) {
    List<String> flags =
        new ArrayList<>(words.subList(words.indexOf("pretrain") + 1, words.size()));
    flags.replaceAll(
        word ->
            Files.exists(folder.resolve(word + ".idx")) || word.equals("small.model")
                ? folder.resolve(word).toString()
                : word);
    Map<String, String> environment =
        worldSize == 1
            ? Map.of()
            : Map.of("RANK", "0", "WORLD_SIZE", "" + worldSize, "MASTER_ADDR", "localhost");
    return lines.withEnvironment(environment).resolve(flags).config();
  }

  @Test
  void the_first_run_is_four_stages_of_eight_layers() {
    List<String> words = run(INITIAL, Map.of());
    assertThat(words).startsWith("launch", "--nproc-per-node", "4", "--nnodes", "1");
    RunConfig config = config(words, 4);
    assertThat(config.parallel().dims()).isEqualTo(ParallelDims.of(1, 1, 1, 4));
    assertThat(config.parallel().layout().layers().counts()).containsExactly(8, 8, 8, 8);
    assertThat(config.model().sizes().hiddenSize()).isEqualTo(4096);
    assertThat(config.model().rotary().base()).isEqualTo(10000);
    assertThat(config.model().training().zLoss()).isEqualTo(1e-4);
    assertThat(config.optimizer().epsilon()).isEqualTo(1e-5);
    assertThat(config.train().batches().globalBatchSize()).isEqualTo(1536);
    assertThat(config.train().length().iterations()).isEqualTo(12500);
    assertThat(config.checkpoint().saving().folder())
        .isEqualTo(config.checkpoint().loading().folder());
  }

  @Test
  void the_continued_run_goes_on_from_its_own_checkpoint_or_else_the_given_one() {
    RunConfig config = config(run(CONTINUE, Map.of("PRETRAINED_DIR", "converted")), 4);
    assertThat(config.checkpoint().loading().folder())
        .isEqualTo(Path.of("checkpoints/8B-A100_4_pretraining_continue_v2"))
        .isEqualTo(config.checkpoint().saving().folder());
    assertThat(config.checkpoint().loading().pretrained()).isEqualTo(Path.of("converted"));
    assertThat(config.model().rotary().base()).isEqualTo(500000);
    assertThat(config.optimizer().epsilon()).isEqualTo(1e-8);
  }

  @Test
  void variables_change_values_and_flags_behind_the_script_win() {
    List<String> words =
        run(INITIAL, Map.of("PIPELINE_PARALLEL_SIZE", "2", "LR", "3e-5"), "--lr", "5e-5");
    RunConfig config = config(words, 4);
    assertThat(config.parallel().dims().dp()).isEqualTo(2);
    assertThat(config.schedule().rate().max()).isEqualTo(5e-5);
  }

  @Test
  void a_process_that_a_launcher_started_is_one_rank() {
    assertThat(run(INITIAL, Map.of("RANK", "1"))).startsWith("pretrain");
    assertThat(run(INITIAL, Map.of("SLURM_PROCID", "1", "SLURM_STEP_ID", "0")))
        .startsWith("pretrain");
  }

  @Test
  void a_plan_and_a_rehearsal_have_the_flags_of_the_run() {
    List<String> run = run(INITIAL, Map.of());
    List<String> flags = run.subList(run.indexOf("pretrain") + 1, run.size());
    assertThat(run(INITIAL, Map.of("PLAN", "1", "NPROC_PER_NODE", "8")))
        .startsWith("plan", "--world-size", "8")
        .endsWith(flags.toArray(String[]::new));
    assertThat(run(INITIAL, Map.of("RANKS_PER_GPU", "4")))
        .containsSequence("--ranks-per-gpu", "4", "--", "pretrain")
        .endsWith(flags.toArray(String[]::new));
  }

  @Test
  void the_test_on_one_gpu_is_one_rank() {
    RunConfig config = config(run("one_RTX3090_test.sh", Map.of()), 1);
    assertThat(config.parallel().dims()).isEqualTo(ParallelDims.SINGLE);
    assertThat(config.checkpoint().saving().folder())
        .isEqualTo(Path.of("checkpoints/one_RTX3090_test"));
  }
}
