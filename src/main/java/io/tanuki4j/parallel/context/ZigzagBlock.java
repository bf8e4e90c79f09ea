package io.tanuki4j.parallel.context;

import io.tanuki4j.kernel.AttentionBlock;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.tensor.Tensor;

/**
 * What the queries of one rank see of the keys of another, both with two pieces of the sequence
 * (see {@link SequenceSharding}). An earlier rank's first piece lies before both pieces of the
 * queries, its second piece behind both. A later rank's pieces lie both between those of the
 * queries. So it is attention without a mask of either all queries to the first half of the keys,
 * or of the second half of the queries to all keys.
 *
 * @param local sizes of each rank's projection
 * @param rank that has the queries
 * @param owner the other, that has the keys
 */
record ZigzagBlock(AttentionShape local, int rank, int owner) {
  AttentionBlock sizes() {
    int half = local.seqLength() / 2;
    return ownerIsEarlier()
        ? new AttentionBlock(local, half)
        : new AttentionBlock(local.withSeqLength(half), local.seqLength());
  }

  /** The rows of those queries that see keys. */
  Tensor queries(Tensor ofRank) {
    return ownerIsEarlier() ? ofRank : ofRank.rows(local.seqLength() / 2, local.seqLength());
  }

  /** The rows of those keys that are seen. */
  Tensor keys(Tensor ofOwner) {
    return ownerIsEarlier() ? ofOwner.rows(0, local.seqLength() / 2) : ofOwner;
  }

  private boolean ownerIsEarlier() {
    return owner < rank;
  }
}
