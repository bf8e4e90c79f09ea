package io.tanuki4j.train;

/**
 * What one iteration found out.
 *
 * @param loss over the global batch
 * @param gradNorm before clipping; not finite if the update was skipped
 * @param lossScale of the next iteration; 1 unless the loss is scaled
 */
public record StepResult(Loss loss, double gradNorm, double lossScale) {
  /** Returns whether the loss and the norm are finite. */
  boolean isFinite() {
    return loss.isFinite() && Double.isFinite(gradNorm);
  }
}
