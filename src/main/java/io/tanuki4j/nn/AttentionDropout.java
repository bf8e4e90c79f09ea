package io.tanuki4j.nn;

import io.tanuki4j.kernel.AttentionMask;

/**
 * Dropout of attention's probabilities.
 *
 * @param firstHead the first of this rank's heads among those of all ranks
 */
public record AttentionDropout(DropoutSite site, int firstHead) {
  /** Drops nothing. */
  public static final AttentionDropout NONE = new AttentionDropout(DropoutSite.NONE, 0);

  /** Returns the mask with the dropout of a micro-batch. */
  public AttentionMask in(AttentionMask mask, Microbatch microbatch) {
    return site.rate() == 0 ? mask : mask.withDropout(site.in(microbatch), firstHead);
  }
}
