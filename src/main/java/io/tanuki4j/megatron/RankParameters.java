package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The parameters of a rank of Megatron, in the order in which its modules register them. That is
 * the order of the distributed optimizer's buffers.
 */
final class RankParameters {
  private static final String NORM_OF_ATTENTION = "self_attention.linear_qkv.layer_norm_";

  /** The order in a layer of TransformerEngine. */
  private static final List<String> IN_LAYER =
      List.of(
          "self_attention.linear_proj.weight",
          "self_attention.linear_proj.bias",
          NORM_OF_ATTENTION + "weight",
          NORM_OF_ATTENTION + "bias",
          "self_attention.linear_qkv.weight",
          "self_attention.linear_qkv.bias",
          "self_attention.q_layernorm.weight",
          "self_attention.q_layernorm.bias",
          "self_attention.k_layernorm.weight",
          "self_attention.k_layernorm.bias",
          "mlp.linear_fc1.layer_norm_weight",
          "mlp.linear_fc1.layer_norm_bias",
          "mlp.linear_fc1.weight",
          "mlp.linear_fc1.bias",
          "mlp.linear_fc2.weight",
          "mlp.linear_fc2.bias");

  /** Arguments that give stages different numbers of layers. */
  private static final List<String> UNEVEN =
      List.of(
          "decoder_first_pipeline_num_layers",
          "decoder_last_pipeline_num_layers",
          "account_for_embedding_in_pipeline_split",
          "account_for_loss_in_pipeline_split",
          "pipeline_model_parallel_layout");

  private final String source;
  private final Map<String, List<Matrix>> weights;
  private final Map<String, @Nullable Object> arguments;

  /**
   * Takes a model's whole weights.
   *
   * @param weights by Megatron's names, with norms inside the linears that follow them
   */
  RankParameters(
      String source, Map<String, List<Matrix>> weights, Map<String, @Nullable Object> arguments) {
    this.source = source;
    this.weights = weights;
    this.arguments = arguments;
  }

  /**
   * A parameter of a rank.
   *
   * @param name with layers counted from the model's first
   */
  record Parameter(String name, List<Long> sizes, ElementType type) {
    /** Megatron's rule: matrices decay, vectors and biases do not. */
    boolean decays() {
      return sizes.size() > 1 && !name.endsWith(".bias");
    }

    long rows() {
      return sizes.isEmpty() ? 1 : sizes.get(0);
    }

    long columns() {
      return sizes.size() < 2 ? 1 : sizes.get(1);
    }

    long numElements() {
      return rows() * columns();
    }
  }

  /** Returns the parameters of each buffer: every chunk has one for each type. */
  static List<List<Parameter>> buffers(List<List<Parameter>> chunks) {
    List<List<Parameter>> buffers = new ArrayList<>();
    for (List<Parameter> chunk : chunks) {
      Map<ElementType, List<Parameter>> byType = new LinkedHashMap<>();
      for (Parameter parameter : chunk) {
        byType.computeIfAbsent(parameter.type(), unused -> new ArrayList<>()).add(parameter);
      }
      buffers.addAll(byType.values());
    }
    return buffers;
  }

  /** Returns the number of ranks that have different parameters. */
  int numRanks() {
    return count("tensor_model_parallel_size") * count("pipeline_model_parallel_size");
  }

  private int count(String argument) {
    return arguments.get(argument) instanceof Long number ? Math.toIntExact(number) : 1;
  }

  /**
   * Returns the parameters of each chunk of layers.
   *
   * @param rank the tensor parallel ranks of the first stage come first
   * @throws UserException if the stages are of different sizes
   */
  List<List<Parameter>> chunks(int rank) {
    for (String argument : UNEVEN) {
      Object value = arguments.get(argument);
      if (value != null && !value.equals(false)) {
        throw new UserException(
            "%s: its argument %s is %s, so its optimizer's buffers cannot be told apart (expected: stages of equal size). Add --no-load-optim to take the weights only."
                .formatted(source, argument, value));
      }
    }
    int stages = count("pipeline_model_parallel_size");
    int numChunks = count("virtual_pipeline_model_parallel_size");
    int stage = rank / count("tensor_model_parallel_size");
    int numLayers = count("num_layers") / stages / numChunks;
    List<List<Parameter>> chunks = new ArrayList<>();
    for (int chunk = 0; chunk < numChunks; chunk++) {
      int place = chunk * stages + stage;
      chunks.add(chunk(place * numLayers, numLayers, place == stages * numChunks - 1));
    }
    return chunks;
  }

  private List<Parameter> chunk(int firstLayer, int numLayers, boolean last) {
    List<Parameter> parameters = new ArrayList<>();
    if (firstLayer == 0) {
      add(parameters, ModelWeights.EMBEDDING);
      add(parameters, ModelWeights.POSITIONS);
    }
    for (int layer = firstLayer; layer < firstLayer + numLayers; layer++) {
      addLayer(parameters, "decoder.layers.%d.".formatted(layer));
    }
    if (last) {
      add(parameters, "decoder.final_layernorm.weight");
      add(parameters, "decoder.final_layernorm.bias");
      addOutput(parameters, firstLayer > 0);
    }
    return parameters;
  }

  /** Modules of Megatron's own have the norm of the attention in front of it. */
  private void addLayer(List<Parameter> parameters, String layer) {
    boolean own = "local".equals(arguments.get("transformer_impl"));
    if (own) {
      add(parameters, layer + NORM_OF_ATTENTION + "weight");
      add(parameters, layer + NORM_OF_ATTENTION + "bias");
    }
    for (String name : IN_LAYER) {
      if (!own || !name.startsWith(NORM_OF_ATTENTION)) {
        add(parameters, layer + name);
      }
    }
  }

  /** The last of several stages has a copy of a tied embedding. */
  private void addOutput(List<Parameter> parameters, boolean apart) {
    if (weights.containsKey(ModelWeights.OUTPUT)) {
      add(parameters, ModelWeights.OUTPUT);
    } else if (apart && count("pipeline_model_parallel_size") > 1) {
      Parameter embedding = parameter(ModelWeights.EMBEDDING);
      parameters.add(new Parameter(ModelWeights.OUTPUT, embedding.sizes(), embedding.type()));
    }
  }

  private void add(List<Parameter> parameters, String name) {
    if (weights.containsKey(name)) {
      parameters.add(parameter(name));
    }
  }

  /** Returns a tensor parallel rank's part. */
  private Parameter parameter(String name) {
    List<Matrix> whole = weights.get(name);
    if (whole == null) {
      throw new UserException("%s: it lacks %s, so it is damaged.".formatted(source, name));
    }
    long rows = whole.get(0).rows();
    long columns = whole.get(0).columns();
    int ranks = count("tensor_model_parallel_size");
    if (name.equals(ModelWeights.EMBEDDING)
        || name.equals(ModelWeights.OUTPUT)
        || name.matches(".*\\.(linear_qkv|linear_fc1)\\.(weight|bias)")) {
      rows /= ranks;
    } else if (name.matches(".*\\.(linear_proj|linear_fc2)\\.weight")) {
      columns /= ranks;
    }
    boolean vector = columns == 1;
    return new Parameter(
        name, vector ? List.of(rows) : List.of(rows, columns), whole.get(0).type());
  }
}
