package io.tanuki4j.model;

import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig.Activation;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.Embeddings;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Positions;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.nn.RopeScaling;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The shape of a model under Megatron's attribute names ({@code num_layers}), as checkpoints keep
 * it. This is the only place that translates between the two.
 *
 * <p>Recomputation is not among them: it changes no number of the model.
 *
 * @param source of the arguments, for messages: a checkpoint's folder
 * @param values strings, numbers, booleans or null; a number may have any type
 */
public record MegatronArguments(String source, Map<String, ? extends @Nullable Object> values) {
  /** Rows of the vocabulary's tensors. */
  public static final String VOCABULARY = "padded_vocab_size";

  /** Rows of them that are not padding. */
  public static final String TRUE_VOCABULARY = "true_vocab_size";

  private static final Map<String, Integer> SMALLEST =
      Map.of(
          "num_layers",
          1,
          "hidden_size",
          1,
          "ffn_hidden_size",
          1,
          "num_attention_heads",
          1,
          "seq_length",
          1,
          VOCABULARY,
          1);

  private static final double BASE = 10_000;
  private static final double NORM_EPSILON = 1e-5;
  private static final double INIT_STD = 0.02;

  /** Returns every argument of a model, in Megatron's order. */
  public static Map<String, Object> of(ModelConfig model) {
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("num_layers", model.sizes().numLayers());
    values.put("hidden_size", model.sizes().hiddenSize());
    values.put("ffn_hidden_size", model.sizes().ffnHiddenSize());
    values.put("num_attention_heads", model.attention().numHeads());
    values.put(
        "group_query_attention",
        model.attention().numQueryGroups() != model.attention().numHeads());
    values.put("num_query_groups", model.attention().numQueryGroups());
    values.put("kv_channels", model.attention().headDim());
    values.put("seq_length", model.sizes().seqLength());
    values.put("max_position_embeddings", model.sizes().maxPositionEmbeddings());
    values.put(VOCABULARY, model.sizes().vocabSize());
    putLayers(values, model.layers());
    putEmbeddings(values, model.embeddings());
    values.put("init_method_std", model.training().initStd());
    values.put("z_loss_strength", model.training().zLoss());
    putRotary(values, model);
    return values;
  }

  private static void putLayers(Map<String, Object> values, Layers layers) {
    values.put("normalization", layers.norm().megatronName());
    values.put("norm_epsilon", layers.normEpsilon());
    values.put("qk_layernorm", layers.qkNorm());
    values.put("swiglu", layers.activation() == Activation.SWIGLU);
    values.put("squared_relu", layers.activation() == Activation.SQUARED_RELU);
    values.put("bias_gelu_fusion", layers.activation() == Activation.GELU_TANH);
    values.put("add_bias_linear", layers.biases() == Biases.ALL);
    values.put("add_qkv_bias", layers.biases() == Biases.QKV);
  }

  private static void putEmbeddings(Map<String, Object> values, Embeddings embeddings) {
    values.put("position_embedding_type", embeddings.positions().megatronName());
    values.put("untie_embeddings_and_output_weights", !embeddings.tied());
    values.put("use_embedding_scaling", embeddings.scaled());
  }

  private static void putRotary(Map<String, Object> values, ModelConfig model) {
    RopeScaling scaling = model.rotary().scaling();
    RopeScaling shown = scaling == null ? RopeScaling.LLAMA3 : scaling;
    values.put("rope_theta", model.rotary().base());
    values.put("rotary_percent", model.rotary().percent());
    values.put("rotary_seq_len_interpolation_factor", model.rotary().interpolationFactor());
    values.put("use_rope_scaling", scaling != null);
    values.put("rope_scaling_factor", shown.factor());
    values.put("rope_low_freq_factor", shown.lowFrequencyFactor());
    values.put("rope_high_freq_factor", shown.highFrequencyFactor());
    values.put("rope_original_max_positional_embeddings", shown.originalLength());
  }

  /** Returns the names of all arguments that {@link #of} gives. */
  public static List<String> names() {
    return List.copyOf(of(new MegatronArguments("", SMALLEST).model()).keySet());
  }

  /**
   * Returns the model that the arguments describe.
   *
   * @throws UserException if a size is missing, or a value cannot be one of a model
   */
  public ModelConfig model() {
    return model(size(VOCABULARY, null));
  }

  /**
   * Returns the same model for a vocabulary of another number of rows.
   *
   * @throws UserException if a size is missing, or a value cannot be one of a model
   */
  public ModelConfig model(int vocabSize) {
    int heads = size("num_attention_heads", null);
    int hidden = size("hidden_size", null);
    int seqLength = size("seq_length", null);
    return new ModelConfig(
        new Sizes(
            size("num_layers", null),
            hidden,
            size("ffn_hidden_size", null),
            vocabSize,
            seqLength,
            size("max_position_embeddings", seqLength)),
        new Attention(
            heads,
            isSet("group_query_attention") ? size("num_query_groups", null) : heads,
            size("kv_channels", Math.max(1, hidden / heads))),
        rotary(),
        layers(),
        embeddings(),
        new Training(
            positive("init_method_std", INIT_STD), number("z_loss_strength", 0), Recompute.NONE));
  }

  /** Returns the layers; what nothing is said about is as in Llama. */
  private Layers layers() {
    Biases biases = isSet("add_qkv_bias") ? Biases.QKV : Biases.NONE;
    return new Layers(
        named("normalization", Norm.RMS_NORM, Norm.values(), Norm::megatronName),
        positive("norm_epsilon", NORM_EPSILON),
        isSet("qk_layernorm"),
        activation(),
        isSet("add_bias_linear") ? Biases.ALL : biases);
  }

  private Embeddings embeddings() {
    return new Embeddings(
        named(
            "position_embedding_type", Positions.ROPE, Positions.values(), Positions::megatronName),
        !isSet("untie_embeddings_and_output_weights"),
        isSet("use_embedding_scaling"));
  }

  private Activation activation() {
    if (isSet("squared_relu")) {
      return Activation.SQUARED_RELU;
    }
    if (!Boolean.FALSE.equals(values.get("swiglu"))) {
      return Activation.SWIGLU;
    }
    return isSet("bias_gelu_fusion") && isSet("add_bias_linear")
        ? Activation.GELU_TANH
        : Activation.GELU;
  }

  private <E> E named(String name, E otherwise, E[] choices, Function<E, String> names) {
    Object value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    return Arrays.stream(choices)
        .filter(choice -> names.apply(choice).equals(value))
        .findFirst()
        .orElseThrow(
            () ->
                wrong(
                    name,
                    value,
                    Arrays.stream(choices).map(names).collect(Collectors.joining(" or "))));
  }

  private Rotary rotary() {
    return new Rotary(
        positive("rope_theta", positive("rotary_base", BASE)),
        positive("rotary_percent", 1),
        positive("rotary_seq_len_interpolation_factor", 1),
        isSet("use_rope_scaling") ? scaling() : null);
  }

  private RopeScaling scaling() {
    RopeScaling usual = RopeScaling.LLAMA3;
    return new RopeScaling(
        positive("rope_scaling_factor", usual.factor()),
        positive("rope_low_freq_factor", usual.lowFrequencyFactor()),
        positive("rope_high_freq_factor", usual.highFrequencyFactor()),
        size("rope_original_max_positional_embeddings", usual.originalLength()));
  }

  /** Returns whether a flag is given. */
  public boolean isSet(String name) {
    return Boolean.TRUE.equals(values.get(name));
  }

  /**
   * Returns a whole number above 0.
   *
   * @param otherwise the value if there is none; null if there must be one
   */
  public int size(String name, @Nullable Integer otherwise) {
    Object value = values.get(name);
    if (value == null && otherwise != null) {
      return otherwise;
    }
    if (value instanceof Number size
        && size.doubleValue() == size.intValue()
        && size.intValue() >= 1) {
      return size.intValue();
    }
    throw wrong(name, value, "a whole number above 0");
  }

  private double positive(String name, double otherwise) {
    double number = number(name, otherwise);
    if (!(number > 0)) {
      throw wrong(name, number, "a number above 0");
    }
    return number;
  }

  private double number(String name, double otherwise) {
    Object value = values.get(name);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof Number number) || !Double.isFinite(number.doubleValue())) {
      throw wrong(name, value, "a number");
    }
    return number.doubleValue();
  }

  private UserException wrong(String name, @Nullable Object value, String expected) {
    return new UserException(
        "%s: its argument %s is %s (expected: %s). Load another checkpoint."
            .formatted(source, name, value, expected));
  }
}
