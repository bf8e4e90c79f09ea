package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.DropoutFactors;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * Which keys the queries of a call see.
 *
 * @param causal whether a query sees the keys up to its own position, instead of all
 */
record AttentionSpan(AttentionShape queries, int numKeys, boolean causal, AttentionMask mask) {
  AttentionSpan {
    CallChecks.mask(mask, queries, numKeys);
  }

  static AttentionSpan causal(AttentionShape shape, AttentionMask mask) {
    return new AttentionSpan(shape, shape.seqLength(), true, mask);
  }

  static AttentionSpan of(AttentionBlock block, AttentionMask mask) {
    return new AttentionSpan(block.queries(), block.numKeys(), false, mask);
  }

  /** Returns whether a query may not see the first keys. */
  boolean hasDocuments() {
    return mask.documentStarts() != null;
  }

  /** Returns the first key of the query's document; the number of keys if it has none. */
  int firstKey(int query, int sequence) {
    Tensor starts = mask.documentStarts();
    if (starts == null) {
      return 0;
    }
    int start = Elements.getInt(starts, (long) query * queries.batchSize() + sequence);
    Tensor positions = mask.keyPositions();
    return positions == null ? Math.min(start, numKeys) : firstFrom(positions, start);
  }

  /** Returns the index of the first position that is not below the start. */
  private int firstFrom(Tensor positions, int start) {
    int from = 0;
    int to = numKeys;
    while (from < to) {
      int middle = (from + to) >>> 1;
      if (Elements.getInt(positions, middle) < start) {
        from = middle + 1;
      } else {
        to = middle;
      }
    }
    return from;
  }

  /**
   * Drops probabilities of a query.
   *
   * @param row the probabilities of consecutive keys
   * @param firstKey the first of them
   */
  void drop(Row row, AttentionHead head, int query, int firstKey) {
    if (mask.dropout() == null) {
      return;
    }
    DropoutFactors factors = new DropoutFactors(mask.dropout());
    int position = position(mask.queryPositions(), query);
    int ofAllRanks = mask.firstHead() + head.head();
    for (int i = 0; i < row.length(); i++) {
      int key = position(mask.keyPositions(), firstKey + i);
      row.set(i, row.get(i) * factors.of(key, position, head.sequence(), ofAllRanks));
    }
  }

  private static int position(@Nullable Tensor positions, int index) {
    return positions == null ? index : Elements.getInt(positions, index);
  }
}
