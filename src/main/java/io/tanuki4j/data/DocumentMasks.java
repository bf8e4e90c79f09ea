package io.tanuki4j.data;

/**
 * What the ends of documents within a sample change, as Megatron-LM's flags say. A document ends
 * with its end-of-document token; the last one in a sample may go on in another sample.
 *
 * @param resetPositionIds whether positions restart at 0 in each document
 * @param resetAttentionMask whether tokens attend to their own document only
 * @param eodMaskLoss whether positions whose token ends a document are left out of the loss
 */
public record DocumentMasks(
    boolean resetPositionIds, boolean resetAttentionMask, boolean eodMaskLoss) {
  /** A sample is one run of tokens. */
  public static final DocumentMasks NONE = new DocumentMasks(false, false, false);

  /** Returns whether micro-batches say where documents begin. */
  boolean needsStarts() {
    return resetPositionIds || resetAttentionMask;
  }
}
