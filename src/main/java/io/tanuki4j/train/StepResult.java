package io.tanuki4j.train;

/**
 * What one iteration found out.
 *
 * @param loss over the global batch
 * @param gradNorm before clipping; not finite if the update was skipped
 */
public record StepResult(Loss loss, double gradNorm) {
  /** Whether all is well. */
  boolean isFinite() {
    return loss.isFinite() && Double.isFinite(gradNorm);
  }
}
