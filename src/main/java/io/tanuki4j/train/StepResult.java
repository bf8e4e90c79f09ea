package io.tanuki4j.train;

/**
 * What one iteration found out.
 *
 * @param loss over the global batch
 * @param gradNorm before clipping; not finite if the update was skipped
 */
public record StepResult(Loss loss, double gradNorm) {
  /** Returns whether the loss and the norm are finite. */
  boolean isFinite() {
    return loss.isFinite() && Double.isFinite(gradNorm);
  }
}
