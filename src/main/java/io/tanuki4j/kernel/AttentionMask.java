package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * What attention leaves out besides later keys. Positions are those in the whole sequence, of which
 * a call may have a part.
 *
 * @param documentStarts {@code [q, b]}, I32: the position where the document of each query begins.
 *     Keys before it are not seen, and a query may see no key of a block: its output is 0, its
 *     logarithm minus infinity. Starts never decrease along a sequence. Null if a sequence is one
 *     document
 * @param maxDocuments that a sequence has at most; 1 if documentStarts is null. Host code may
 *     choose kernels by it, since recorded work is repeated for micro-batches of the same number
 *     only
 * @param queryPositions {@code [q]}, I32: the position of each query; null if it is its index
 * @param keyPositions {@code [k]}, I32, increasing: likewise for keys
 * @param dropout of probabilities, after the softmax; the column of a probability is its key's
 *     position, its row the query's. Null for none
 * @param firstHead the first of the heads among those of all ranks
 */
public record AttentionMask(
    @Nullable Tensor documentStarts,
    int maxDocuments,
    @Nullable Tensor queryPositions,
    @Nullable Tensor keyPositions,
    @Nullable Dropout dropout,
    int firstHead) {
  /** Leaves out nothing. */
  public static final AttentionMask NONE = new AttentionMask(null, 1, null, null, null, 0);

  /** Returns a mask of documents over whole sequences. */
  public static AttentionMask ofDocuments(Tensor documentStarts, int maxDocuments) {
    return new AttentionMask(documentStarts, maxDocuments, null, null, null, 0);
  }

  /** Returns the same mask with a dropout of probabilities. */
  public AttentionMask withDropout(@Nullable Dropout ofProbabilities, int ofHead) {
    return new AttentionMask(
        documentStarts, maxDocuments, queryPositions, keyPositions, ofProbabilities, ofHead);
  }
}
