package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.config.ConfigException;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.nn.RopeScaling;
import io.tanuki4j.run.RankModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Flags as launch scripts of Megatron and of its forks give them. */
class ScriptFlagsTest {
  @TempDir Path folder;
  private CommandLines lines;

  @BeforeEach
  void make_files() throws IOException {
    lines = new CommandLines(folder);
  }

  @Test
  void how_checkpoints_keep_weights_is_not_called_without_effect() {
    assertThat(
            lines
                .resolve(CommandLines.SMALLEST + " --apply-layernorm-1p --rotary-interleaved")
                .notices())
        .noneMatch(notice -> notice.contains("without effect"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--ckpt-format torch_dist --use-persistent-ckpt-worker --ckpt-fully-parallel-load",
        "--use-dist-ckpt --dist-ckpt-format zarr --dist-ckpt-strictness log_all",
        "--ckpt-assume-constant-structure --dist-ckpt-optim-fully-reshardable",
        "--log-straggler --disable-straggler-on-startup --straggler-minmax-count 16",
        "--no-initialization --use-mcore-models --transformer-impl local",
        "--moe-router-topk 2 --moe-grouped-gemm --moe-aux-loss-coeff 1e-2 --moe-per-layer-logging",
        "--rerun-mode validate_results --error-injection-rate 0",
        "--disable-gloo-process-groups --cross-entropy-fusion-impl te --cuda-graph-impl local",
        "--use-gcp-dynamic-checkpointing --dynamic-checkpointing-min 10",
        "--check-weight-hash-across-dp-replicas-interval 10",
        "--use-fused-sdpa 1 --use-fast-softmax 1 --cache-size-limit 0 --verify-checkpoint",
        "--max-padding-length 128 --inference-max-seq-length 4096",
      })
  void what_changes_no_number_is_accepted_with_a_line(String words) {
    Resolved run = lines.resolve(CommandLines.SMALLEST + " " + words);
    String line =
        run.notices().stream().filter(n -> n.startsWith("accepted without")).findFirst().get();
    for (String word : words.split(" ")) {
      if (word.startsWith("--")) {
        assertThat(line).contains(word);
      }
    }
    assertThat(run.config().model()).isEqualTo(lines.config("").model());
    assertThat(run.config().optimizer()).isEqualTo(lines.config("").optimizer());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--optimizer fusedadamw",
        "--dataset MMAP --train-mode pretrain --extra-vocab-size 0",
        "--exit-interval 0 --exit-duration-in-mins 0",
        "--no-load-optim",
        "--ddp-bucket-size 1000",
        "--expert-model-parallel-size 1 --encoder-tensor-model-parallel-size 0",
        "--sliding-window 4096",
        "--mid-level-dataset-surplus 0.005",
      })
  void what_says_the_same_as_the_default_changes_nothing(String words) {
    RunConfig with = lines.config(words);
    RunConfig without = lines.config("");
    assertThat(with.model()).isEqualTo(without.model());
    assertThat(with.train()).isEqualTo(without.train());
    assertThat(with.parallel()).isEqualTo(without.parallel());
    assertThat(with.optimizer()).isEqualTo(without.optimizer());
  }

  /** The script of Qwen2.5 in Pai-Megatron-Patch: 151,643 tokens and 421 rows. */
  @Test
  void extra_rows_of_pai_are_not_padded() {
    RunConfig config =
        lines.config(
            "--tokenizer-type HuggingFaceTokenizer --patch-tokenizer-type Qwen2Tokenizer"
                + " --tokenizer-model src/test/resources/tokenizer/bytes/hf --extra-vocab-size 31");
    assertThat(RankModel.paddedVocabSize(config, line -> {})).isEqualTo(500 + 31);
  }

  @Test
  void no_evaluation_is_written_as_minus_one_too() {
    assertThat(lines.config("--eval-iters -1").train().evaluations().iterations()).isZero();
  }

  @Test
  void a_folder_without_an_interval_gets_a_checkpoint_at_the_end() {
    Resolved run = lines.resolve(CommandLines.SMALLEST + " --save DIR/run");
    assertThat(run.config().checkpoint().saving().interval()).isZero();
    assertThat(run.notices()).anyMatch(line -> line.startsWith("no --save-interval"));
  }

  @Test
  void rotary_base_may_have_a_fraction() {
    assertThat(lines.config("--rotary-base 500000.0").model().rotary().base()).isEqualTo(500000);
  }

  @Test
  void the_factor_of_a_fork_rescales_rotation() {
    String fork =
        "--rope-factor 8.0 --rope-low-freq-factor 1.0 --rope-high-freq-factor 4.0"
            + " --rope-original-max-positional-embeddings 8192";
    assertThat(lines.config(fork).model().rotary().scaling()).isEqualTo(RopeScaling.LLAMA3);
    assertThat(lines.config("").model().rotary().scaling()).isNull();
  }

  @Test
  void quotes_of_a_shell_in_the_split_are_skipped() {
    List<String> words = words("");
    words.set(words.size() - 1, "'8,1,1'");
    assertThat(lines.problems(words)).isEmpty();
  }

  @Test
  void the_plan_refuses_what_pretrain_refuses() {
    for (String words :
        List.of(
            "--split 0,0,0",
            "--num-workers -1",
            "--train-data-path DIR/text_document",
            "--num-experts 8")) {
      assertThat(planned(words)).isEqualTo(lines.problems(words(words))).isNotEmpty();
    }
  }

  @Test
  void the_plan_needs_no_tokenizer_where_the_vocabulary_is_given() {
    String missing = "--tokenizer-type HuggingFaceTokenizer --tokenizer-model DIR/none";
    assertThat(planned(missing + " --vocab-size 128256")).isEmpty();
    assertThat(planned(missing + " --padded-vocab-size 128256")).isEmpty();
  }

  @Test
  void the_plan_needs_no_tokenizer_but_pretrain_does() {
    for (String missing :
        List.of(
            "--tokenizer-type HuggingFaceTokenizer --tokenizer-model DIR/none",
            "--tokenizer-type GPT2BPETokenizer --vocab-file DIR/v.json --merge-file DIR/none")) {
      assertThat(planned(missing)).isEmpty();
      assertThat(lines.problems(words(missing))).isNotEmpty();
    }
    assertThat(planned("--tokenizer-type GPT2BPETokenizer --vocab-file DIR/v.json"))
        .anyMatch(line -> line.startsWith("--merge-file: not given"));
  }

  private List<String> words(String more) {
    return new ArrayList<>(lines.split(CommandLines.SMALLEST + " " + more));
  }

  /** The sentences with which plan refuses. */
  private List<String> planned(String more) {
    PlanCommand command = new PlanCommand();
    new CommandLine(command).parseArgs(words(more).toArray(String[]::new));
    try {
      command.options.resolve(command.spec, Map.of(), (path, iteration) -> Optional.empty());
      return List.of();
    } catch (ConfigException e) {
      return String.valueOf(e.getMessage())
          .lines()
          .map(line -> line.replace(folder.toString(), "DIR"))
          .toList();
    }
  }
}
