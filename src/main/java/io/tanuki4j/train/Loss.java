package io.tanuki4j.train;

/**
 * Mean loss per token that counts, in nats.
 *
 * @param lm cross entropy
 * @param z z-loss term; 0 without z-loss
 */
public record Loss(double lm, double z) {
  boolean isFinite() {
    return Double.isFinite(lm) && Double.isFinite(z);
  }
}
