package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.model.ModelConfig.Activation;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.Embeddings;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Positions;
import java.util.Arrays;
import java.util.List;
import picocli.CommandLine.Option;

/** What layers are made of. Part of {@link ModelOptions}. */
final class LayerOptions {
  @Option(
      names = "--normalization",
      paramLabel = "NAME",
      description = "RMSNorm, as Llama has it, or Megatron's default, LayerNorm.")
  String normalization = Norm.LAYER_NORM.megatronName();

  @Option(
      names = {"--norm-epsilon", "--layernorm-epsilon"},
      paramLabel = "X",
      description = "Added to the norm's mean square.")
  double normEpsilon = 1e-5;

  @Option(
      names = "--qk-layernorm",
      description = "Each head's query and key are normalised before the rotation, as in Qwen3.")
  boolean qkLayernorm;

  @Option(
      names = "--swiglu",
      description = "The MLP has a gate, SwiGLU, as in Llama; without it, GELU and no gate.")
  boolean swiglu;

  @Option(names = "--squared-relu", description = "Squared ReLU instead of GELU, without a gate.")
  boolean squaredRelu;

  @Option(
      names = "--no-bias-gelu-fusion",
      description = "GELU is exact. Megatron's fused GELU, its default, is the tanh approximation.")
  boolean biasGeluFusion = true;

  @Option(
      names = {"--disable-bias-linear"},
      description = "Linear layers have no biases, as in Llama.")
  boolean addBiasLinear = true;

  @Option(
      names = "--add-qkv-bias",
      description = "Queries, keys and values have biases all the same, as in Qwen2.")
  boolean addQkvBias;

  @Option(
      names = "--untie-embeddings-and-output-weights",
      description = "The head has weights of its own; otherwise it uses the embedding's.")
  boolean untieEmbeddingsAndOutputWeights;

  @Option(
      names = "--use-embedding-scaling",
      description =
          "Multiplies the embedding's result by sqrt(hidden size), as llm-jp's Megatron-LM does.")
  boolean useEmbeddingScaling;

  /** Sets what follows from other flags, as Megatron does. */
  void derive() {
    biasGeluFusion &= addBiasLinear;
  }

  void check(Problems problems) {
    List<String> norms = Arrays.stream(Norm.values()).map(Norm::megatronName).toList();
    problems.oneOf("--normalization", normalization, norms);
    problems.positive("--norm-epsilon", normEpsilon, "Llama uses 1e-5.");
    if (swiglu && squaredRelu) {
      problems.exclusive("--squared-relu", "given", "--swiglu", "given");
    }
  }

  /** Returns the configuration of checked flags. */
  Layers toConfig() {
    Biases withoutAll = addQkvBias ? Biases.QKV : Biases.NONE;
    return new Layers(
        Norm.RMS_NORM.megatronName().equals(normalization) ? Norm.RMS_NORM : Norm.LAYER_NORM,
        normEpsilon,
        qkLayernorm,
        activation(),
        addBiasLinear ? Biases.ALL : withoutAll);
  }

  Embeddings embeddings(Positions positions) {
    return new Embeddings(positions, !untieEmbeddingsAndOutputWeights, useEmbeddingScaling);
  }

  boolean isGated() {
    return swiglu;
  }

  private Activation activation() {
    if (swiglu) {
      return Activation.SWIGLU;
    }
    if (squaredRelu) {
      return Activation.SQUARED_RELU;
    }
    return biasGeluFusion ? Activation.GELU_TANH : Activation.GELU;
  }
}
