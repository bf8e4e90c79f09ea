package io.tanuki4j.convert.huggingface;

import io.tanuki4j.nn.RopeScaling;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What {@code config.json} says about a Llama. Reading rejects a configuration that needs more than
 * this (biases, other activations or position embeddings).
 *
 * @param headDim may differ from {@code hiddenSize / numHeads}
 * @param vocabSize rows of the embedding
 * @param positionInterpolation divides the positions ({@code rope_type: linear}); 1 for none
 * @param ropeScaling of low frequencies ({@code rope_type: llama3}); null for none
 * @param eosIds several may end a text
 */
public record HfLlamaConfig(
    int numLayers,
    int hiddenSize,
    int ffnHiddenSize,
    int numHeads,
    int numKeyValueHeads,
    int headDim,
    int vocabSize,
    int maxPositionEmbeddings,
    double normEpsilon,
    double ropeTheta,
    double positionInterpolation,
    @Nullable RopeScaling ropeScaling,
    boolean tiedEmbeddings,
    double initializerRange,
    @Nullable Integer bosId,
    List<Integer> eosIds,
    @Nullable Integer padId) {

  public HfLlamaConfig {
    eosIds = List.copyOf(eosIds);
  }

  /** Returns the same with a tokenizer's values: the number of its ids, and the special ones. */
  public HfLlamaConfig withTokenizer(
      int rows, @Nullable Integer bos, List<Integer> eos, @Nullable Integer pad) {
    return new HfLlamaConfig(
        numLayers,
        hiddenSize,
        ffnHiddenSize,
        numHeads,
        numKeyValueHeads,
        headDim,
        rows,
        maxPositionEmbeddings,
        normEpsilon,
        ropeTheta,
        positionInterpolation,
        ropeScaling,
        tiedEmbeddings,
        initializerRange,
        bos,
        eos,
        pad);
  }
}
