package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * {@code --use-checkpoint-args}: takes what shapes the model from the arguments that a checkpoint
 * keeps. Unlike in Megatron, a flag that the user gives always wins, and the log says so.
 */
final class CheckpointArguments {
  private static final List<String> NAMES =
      List.of(
          "num_layers",
          "hidden_size",
          "ffn_hidden_size",
          "seq_length",
          "num_attention_heads",
          "num_query_groups",
          "group_query_attention",
          "kv_channels",
          "max_position_embeddings",
          "position_embedding_type",
          "add_position_embedding",
          "use_rotary_position_embeddings",
          "rope_theta",
          "rotary_percent",
          "rotary_interleaved",
          "add_bias_linear",
          "add_qkv_bias",
          "squared_relu",
          "swiglu",
          "untie_embeddings_and_output_weights",
          "apply_layernorm_1p",
          "normalization",
          "apply_query_key_layer_scaling",
          "attention_dropout",
          "hidden_dropout",
          "padded_vocab_size",
          "tokenizer_type");

  /** Shape the model too, but Megatron does not take them over: worth a line if they differ. */
  private static final List<String> NOT_TAKEN =
      List.of("norm_epsilon", "use_rope_scaling", "rope_scaling_factor");

  private CheckpointArguments() {}

  /**
   * Sets the arguments that the user did not give.
   *
   * @param checkpoint the checkpoint's arguments by Megatron's attribute names
   * @param withTokenizerModel whether the tokenizer's model counts
   * @return what to log
   */
  static List<String> merge(
      Map<String, ? extends @Nullable Object> checkpoint,
      boolean withTokenizerModel,
      Arguments arguments,
      Problems problems) {
    Map<String, @Nullable Object> theirs = normalized(checkpoint);
    List<String> names = new ArrayList<>(NAMES);
    if (withTokenizerModel) {
      names.add("tokenizer_model");
    }
    List<String> notices = new ArrayList<>();
    for (String name : names) {
      Object value = theirs.get(name);
      Object coerced = value == null ? null : arguments.coerce(name, value);
      if (value == null) {
        notices.add("Checkpoint did not provide arguments " + name);
      } else if (isExplicit(name, arguments)) {
        keep(name, coerced == null ? value : coerced, arguments, notices);
      } else if (coerced == null) {
        refuse(arguments.flag(name), value, problems);
      } else {
        arguments.set(name, coerced);
        notices.add("Setting %s to %s from checkpoint".formatted(name, PythonText.of(coerced)));
      }
    }
    NOT_TAKEN.forEach(name -> compare(name, theirs.get(name), arguments, notices));
    return notices;
  }

  /** Older names under the ones of today. */
  private static Map<String, @Nullable Object> normalized(
      Map<String, ? extends @Nullable Object> checkpoint) {
    Map<String, @Nullable Object> theirs = new TreeMap<>(checkpoint);
    if (theirs.get("rope_theta") == null) {
      theirs.put("rope_theta", theirs.get("rotary_base"));
    }
    if (theirs.get("disable_bias_linear") instanceof Boolean disabled) {
      theirs.put("add_bias_linear", !disabled);
    }
    return theirs;
  }

  private static boolean isExplicit(String name, Arguments arguments) {
    return arguments.isExplicit(name)
        || (name.equals("rope_theta") && arguments.isExplicit("rotary_base"));
  }

  private static void keep(String name, Object theirs, Arguments arguments, List<String> notices) {
    Object ours = ours(name, arguments);
    if (differ(ours, theirs)) {
      notices.add(
          "Keeping %s %s from the command line; the checkpoint has %s"
              .formatted(arguments.flag(name), PythonText.of(ours), PythonText.of(theirs)));
    }
  }

  private static @Nullable Object ours(String name, Arguments arguments) {
    Object value = arguments.get(name);
    return value == null && name.equals("rope_theta") ? arguments.get("rotary_base") : value;
  }

  private static void refuse(String flag, Object value, Problems problems) {
    problems.add(
        flag,
        PythonText.of(value) + " in the checkpoint",
        "a value that the flag can hold",
        "Give the flag yourself.");
  }

  private static void compare(
      String name, @Nullable Object theirs, Arguments arguments, List<String> notices) {
    Object ours = arguments.get(name);
    if (theirs != null && differ(ours, theirs)) {
      notices.add(
          "WARNING: %s is %s here and %s in the checkpoint; --use-checkpoint-args does not cover it"
              .formatted(name, PythonText.of(ours), PythonText.of(theirs)));
    }
  }

  private static boolean differ(@Nullable Object ours, Object theirs) {
    if (ours instanceof Number left && theirs instanceof Number right) {
      return left.doubleValue() != right.doubleValue();
    }
    return ours == null || !ours.toString().equals(theirs.toString());
  }
}
