package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What {@code --use-checkpoint-args} takes over, and what the command line keeps. */
class CheckpointArgumentsTest {
  private static final String SHORT =
      "--load DIR --use-checkpoint-args --micro-batch-size 2 --train-iters 10 --lr 1e-3"
          + " --vocab-size 99 --data-path DIR/text_document --split 8,1,1";

  @TempDir Path folder;
  private CommandLines lines;

  @BeforeEach
  void make_files() throws IOException {
    lines = new CommandLines(folder);
  }

  /** As a JSON reader returns them: all numbers are doubles. */
  private static Map<String, @Nullable Object> checkpoint() {
    Map<String, @Nullable Object> arguments = new HashMap<>();
    arguments.put("num_layers", 3.0);
    arguments.put("hidden_size", 64.0);
    arguments.put("ffn_hidden_size", 192.0);
    arguments.put("num_attention_heads", 8.0);
    arguments.put("group_query_attention", true);
    arguments.put("num_query_groups", 2.0);
    arguments.put("kv_channels", 8.0);
    arguments.put("seq_length", 32.0);
    arguments.put("max_position_embeddings", 32.0);
    arguments.put("position_embedding_type", "rope");
    arguments.put("rotary_base", 500000.0);
    arguments.put("normalization", "RMSNorm");
    arguments.put("norm_epsilon", 1e-6);
    arguments.put("swiglu", true);
    arguments.put("add_bias_linear", false);
    arguments.put("attention_dropout", 0.0);
    arguments.put("hidden_dropout", 0.0);
    arguments.put("untie_embeddings_and_output_weights", true);
    arguments.put("padded_vocab_size", 128.0);
    arguments.put("tokenizer_type", "NullTokenizer");
    arguments.put("ckpt_format", null);
    return arguments;
  }

  @Test
  void the_shape_comes_from_the_checkpoint() {
    Resolved resolved = lines.withCheckpoint(checkpoint()).resolve(SHORT);
    ModelConfig model = resolved.config().model();
    assertThat(model.sizes().numLayers()).isEqualTo(3);
    assertThat(model.attention().numHeads()).isEqualTo(8);
    assertThat(model.attention().numQueryGroups()).isEqualTo(2);
    assertThat(model.sizes().ffnHiddenSize()).isEqualTo(192);
    assertThat(model.rotary().base()).isEqualTo(500000);
    assertThat(model.embeddings().tied()).isFalse();
    assertThat(model.sizes().vocabSize()).isEqualTo(128);
    assertThat(resolved.config().arguments()).containsEntry("num_layers", 3);
    assertThat(resolved.notices())
        .contains(
            "Setting num_layers to 3 from checkpoint",
            "Setting untie_embeddings_and_output_weights to True from checkpoint",
            "Checkpoint did not provide arguments rotary_percent");
  }

  @Test
  void what_the_user_gives_wins_with_a_line() {
    Resolved resolved =
        lines
            .withCheckpoint(checkpoint())
            .resolve(SHORT + " --num-query-groups 4 --rotary-base 10000 --num-layers 3");
    assertThat(resolved.config().model().attention().numQueryGroups()).isEqualTo(4);
    assertThat(resolved.config().model().rotary().base()).isEqualTo(10000);
    assertThat(resolved.notices())
        .contains(
            "Keeping --num-query-groups 4 from the command line; the checkpoint has 2",
            "Keeping --rope-theta 10000.0 from the command line; the checkpoint has 500000.0")
        .noneMatch(line -> line.contains("--num-layers"));
  }

  @Test
  void a_checkpoint_that_this_version_cannot_continue_is_refused() {
    Map<String, @Nullable Object> arguments = checkpoint();
    arguments.put("hidden_dropout", 1.5);
    arguments.put("num_layers", "many");
    assertThat(lines.withCheckpoint(arguments).problems(SHORT))
        .containsExactly(
            "--num-layers: many in the checkpoint (expected: a value that the flag can hold). Give"
                + " the flag yourself.",
            "--hidden-dropout: 1.5 (expected: at least 0, below 1). Llama trains with 0.");
  }

  @Test
  void the_old_name_of_biases_counts() {
    Map<String, @Nullable Object> arguments = checkpoint();
    arguments.remove("add_bias_linear");
    arguments.put("disable_bias_linear", true);
    assertThat(lines.withCheckpoint(arguments).problems(SHORT)).isEmpty();
  }

  @Test
  void the_path_of_the_tokenizer_can_stay_out() {
    Map<String, @Nullable Object> arguments = checkpoint();
    arguments.put("tokenizer_type", "SentencePieceTokenizer");
    arguments.put("tokenizer_model", folder.resolve("small.model").toString());
    String words = SHORT.replace("--vocab-size 99", "");
    assertThat(lines.withCheckpoint(arguments).resolve(words).config().tokenizer().model())
        .isEqualTo(folder.resolve("small.model"));
    assertThat(lines.problems(words + " --no-use-tokenizer-model-from-checkpoint-args"))
        .hasSize(1)
        .first()
        .asString()
        .startsWith("--tokenizer-model: not given");
  }

  @Test
  void without_a_checkpoint_the_flags_count() {
    assertThat(lines.resolve(CommandLines.SMALLEST + " --load DIR --use-checkpoint-args").notices())
        .contains("Checkpoint not found to provide arguments, using provided arguments.");
  }
}
