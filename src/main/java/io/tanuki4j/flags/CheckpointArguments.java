package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.model.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes over arguments from a checkpoint, and rejects a model of another shape. Unlike in Megatron,
 * everything that shapes the model is taken over. A flag that the user gives always takes
 * precedence, with a line in the log.
 */
final class CheckpointArguments {
  /** The kind of model, apart from its sizes and numbers. */
  private static final List<String> KIND =
      List.of(
          "add_position_embedding",
          "use_rotary_position_embeddings",
          "rotary_interleaved",
          "apply_layernorm_1p",
          "apply_query_key_layer_scaling",
          "attention_dropout",
          "hidden_dropout");

  /** Arguments without flags: what an imported model knows about its tokenizer. */
  private static final List<String> KEPT =
      List.of(MegatronArguments.TRUE_VOCABULARY, "bos_token_id", "eos_token_id", "pad_token_id");

  private static final String TOKENIZER_TYPE = "tokenizer_type";
  private static final String TOKENIZER_MODEL = "tokenizer_model";

  /** Arguments that belong to the type of a tokenizer. */
  private static final List<String> TOKENIZER =
      List.of(
          "vocab_size",
          "vocab_extra_ids",
          "tokenizer_sentencepiece_legacy",
          "tiktoken_pattern",
          "tiktoken_num_special_tokens");

  /** The files of a tokenizer that is not in one model file. */
  private static final List<String> TOKENIZER_FILES = List.of("vocab_file", "merge_file");

  /** Arguments an evaluation also needs to use the same samples as training. */
  private static final List<String> EVALUATION =
      List.of(
          "micro_batch_size",
          "global_batch_size",
          "rampup_batch_size",
          "eval_interval",
          "eval_iters",
          "reset_position_ids",
          "reset_attention_mask",
          "eod_mask_loss",
          "seed");

  private static final List<String> DATA =
      List.of(
          "mock_data",
          "data_path",
          "train_data_path",
          "valid_data_path",
          "test_data_path",
          "data_args_path",
          "per_split_data_args_path");

  /** Flags that mean the same as another one. */
  private static final Map<String, String> OTHER_SPELLINGS =
      Map.of(
          "rope_theta", "rotary_base",
          "seq_length", "encoder_seq_length",
          "z_loss_strength", "use_z_loss",
          "train_iters", "train_samples",
          "train_samples", "train_iters");

  private final MegatronArguments checkpoint;
  private final Arguments arguments;
  private final Problems problems;
  private final List<String> notices = new ArrayList<>();

  /**
   * Compares two sets of arguments.
   *
   * @param checkpoint the checkpoint's arguments; old names are accepted
   * @param arguments of the command line
   */
  CheckpointArguments(MegatronArguments checkpoint, Arguments arguments, Problems problems) {
    this.checkpoint = new MegatronArguments(checkpoint.source(), normalized(checkpoint.values()));
    this.arguments = arguments;
    this.problems = problems;
  }

  /** Returns the arguments with older names replaced by current ones. */
  private static Map<String, @Nullable Object> normalized(
      Map<String, ? extends @Nullable Object> checkpoint) {
    Map<String, @Nullable Object> theirs = new TreeMap<>(checkpoint);
    if (theirs.get("rope_theta") == null && theirs.get("rotary_base") != null) {
      theirs.put("rope_theta", theirs.get("rotary_base"));
    }
    if (theirs.get("disable_bias_linear") instanceof Boolean disabled) {
      theirs.put("add_bias_linear", !disabled);
    }
    return theirs;
  }

  /** Returns the lines to log. */
  List<String> notices() {
    return notices;
  }

  /** Returns arguments that no flag can set, and that the run's own checkpoints must keep. */
  Map<String, @Nullable Object> kept() {
    Map<String, @Nullable Object> kept = new TreeMap<>(checkpoint.values());
    kept.keySet().retainAll(KEPT);
    return kept;
  }

  /** Takes over the number of vocabulary rows, which depends on the first run's layout. */
  void takeVocabulary() {
    takeIfKnown(MegatronArguments.VOCABULARY);
  }

  /**
   * Takes over whatever shapes the model, and the tokenizer.
   *
   * @param withTokenizerModel whether the tokenizer's model counts
   */
  void takeModel(boolean withTokenizerModel) {
    MegatronArguments.names().forEach(this::take);
    KIND.forEach(this::take);
    take(TOKENIZER_TYPE);
    Object type = checkpoint.values().get(TOKENIZER_TYPE);
    if (type != null && type.equals(arguments.get(TOKENIZER_TYPE))) {
      TOKENIZER.forEach(this::takeIfKnown);
      if (withTokenizerModel) {
        take(TOKENIZER_MODEL);
        TOKENIZER_FILES.forEach(this::takeIfKnown);
      }
    }
  }

  /** Takes over which samples an evaluation uses. */
  void takeEvaluation() {
    EVALUATION.forEach(this::takeIfKnown);
    boolean inSamples = checkpoint.values().get("train_samples") != null;
    takeIfKnown(inSamples ? "train_samples" : "train_iters"); // iterations follow from samples
    if (DATA.stream().noneMatch(arguments::isExplicit)) {
      DATA.forEach(this::takeIfKnown);
      takeIfKnown("split");
    }
  }

  private void takeIfKnown(String name) {
    if (checkpoint.values().get(name) != null) {
      take(name);
    }
  }

  private void take(String name) {
    Object value = checkpoint.values().get(name);
    Object coerced = value == null ? null : arguments.coerce(name, value);
    if (value == null) {
      notices.add("Checkpoint did not provide arguments " + name);
    } else if (isExplicit(name)) {
      keep(name, coerced == null ? value : coerced);
    } else if (coerced == null) {
      problems.add(
          arguments.flag(name),
          PythonText.of(value) + " in the checkpoint",
          "a value that the flag can hold",
          "Give the flag yourself.");
    } else {
      arguments.set(name, coerced);
      notices.add("Setting %s to %s from checkpoint".formatted(name, PythonText.of(coerced)));
    }
  }

  private boolean isExplicit(String name) {
    String other = OTHER_SPELLINGS.get(name);
    return arguments.isExplicit(name) || (other != null && arguments.isExplicit(other));
  }

  private void keep(String name, Object theirs) {
    Object ours = arguments.get(name);
    if (ours == null && OTHER_SPELLINGS.containsKey(name)) {
      ours = arguments.get(OTHER_SPELLINGS.get(name));
    }
    if (differ(ours, theirs)) {
      notices.add(
          "Keeping %s %s from the command line; the checkpoint has %s"
              .formatted(arguments.flag(name), PythonText.of(ours), PythonText.of(theirs)));
    }
  }

  /** Rejects a model that differs from the checkpoint's in settings that the user did not give. */
  void requireSame(ModelConfig model) {
    Map<String, Object> here = MegatronArguments.of(model);
    Map<String, Object> there = MegatronArguments.of(checkpoint.model());
    here.forEach(
        (name, value) -> {
          Object theirs = there.get(name);
          boolean known = checkpoint.values().get(name) != null;
          boolean implied = name.equals("group_query_attention"); // by the number of groups
          if (theirs != null && known && !implied && differ(value, theirs) && !isExplicit(name)) {
            refuse(name, value, theirs);
          }
        });
  }

  private void refuse(String name, Object here, Object there) {
    String flag = arguments.flag(name);
    String written = here instanceof Boolean ? flag : flag + " " + PythonText.of(here);
    problems.add(
        flag,
        PythonText.of(here),
        "%s, as the checkpoint in %s has it".formatted(PythonText.of(there), checkpoint.source()),
        "Add --use-checkpoint-args to take it over, or write %s to change it.".formatted(written));
  }

  private static boolean differ(@Nullable Object ours, Object theirs) {
    if (ours instanceof Number left && theirs instanceof Number right) {
      return left.doubleValue() != right.doubleValue();
    }
    return ours == null || !ours.toString().equals(theirs.toString());
  }
}
