package io.tanuki4j.train;

/**
 * What one iteration found out.
 *
 * @param loss over the global batch
 * @param gradNorm before clipping; 0 without clipping
 */
public record StepResult(Loss loss, double gradNorm) {
  /** Whether the weights were updated: a gradient that is not finite changes nothing. */
  boolean isFinite() {
    return loss.isFinite() && Double.isFinite(gradNorm);
  }
}
