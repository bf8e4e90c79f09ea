package io.tanuki4j.parallel;

/**
 * How the layers of ranks that share them exchange what they need.
 *
 * @param ofContext how ranks that share a sequence exchange keys and values
 * @param tensorOverlap {@code --tp-comm-overlap}: products of ranks that share the weights go by
 *     shards of the sequence, which are exchanged meanwhile; only with sequence parallelism
 */
public record LayerCommunication(ContextCommunication ofContext, boolean tensorOverlap) {
  /** Megatron's defaults. */
  public static final LayerCommunication PLAIN =
      new LayerCommunication(ContextCommunication.P2P, false);
}
