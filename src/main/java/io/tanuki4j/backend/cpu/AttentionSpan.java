package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.AttentionBlock;
import io.tanuki4j.kernel.AttentionShape;

/**
 * Which keys the queries of a call see.
 *
 * @param causal whether a query sees the keys up to its own position, instead of all
 */
record AttentionSpan(AttentionShape queries, int numKeys, boolean causal) {
  static AttentionSpan causal(AttentionShape shape) {
    return new AttentionSpan(shape, shape.seqLength(), true);
  }

  static AttentionSpan of(AttentionBlock block) {
    return new AttentionSpan(block.queries(), block.numKeys(), false);
  }
}
