package io.tanuki4j.model;

import io.tanuki4j.model.ModelConfig.Attention;

/**
 * The work of one token in forward and backward, in floating-point operations, as Megatron-LM
 * counts it. It counts matrix products of the layers and of the (padded) head, and half of the
 * attention's s·s because it is causal. Recomputation does not count.
 */
public final class FlopsPerToken {
  /** A multiply and an add, once in the forward and twice in the backward, per weight. */
  private static final long PER_WEIGHT = 6;

  private FlopsPerToken() {}

  /** Returns the same with all of the attention's s·s, as older reports count it. */
  public static long withFullAttention(ModelConfig config) {
    return of(config) + PER_WEIGHT * config.sizes().numLayers() * attentionCore(config);
  }

  public static long of(ModelConfig config) {
    return config.sizes().numLayers() * ofLayer(config) + ofHead(config);
  }

  /** Returns the work of one layer. */
  public static long ofLayer(ModelConfig config) {
    long hidden = config.sizes().hiddenSize();
    Attention attention = config.attention();
    long attentionWeights = 2 * hidden * (attention.queryWidth() + attention.keyWidth());
    long matrices = config.layers().activation().isGated() ? 3 : 2;
    long mlpWeights = matrices * hidden * config.sizes().ffnHiddenSize();
    return PER_WEIGHT * (attentionWeights + mlpWeights) + ofAttentionCore(config);
  }

  /** Returns the work of a layer's softmax(q·kᵀ)·v, halved because it is causal. */
  public static long ofAttentionCore(ModelConfig config) {
    return PER_WEIGHT * attentionCore(config);
  }

  /** Returns the work of the projection to the vocabulary. */
  public static long ofHead(ModelConfig config) {
    return PER_WEIGHT * config.sizes().hiddenSize() * config.sizes().vocabSize();
  }

  private static long attentionCore(ModelConfig config) {
    return config.attention().queryWidth() * config.sizes().seqLength();
  }
}
