package io.tanuki4j.train;

import io.tanuki4j.error.UserException;
import io.tanuki4j.metrics.PythonFormat;

/** A loss or a gradient is not finite; the message says in which iteration and what to do. */
public final class DivergedException extends UserException {
  private static final long serialVersionUID = 1;

  DivergedException(long iteration, StepResult result) {
    super(
        ("iteration %d: %s is %s (expected: a finite number). Lower --lr, or check the data and the"
                + " weights that were loaded; --no-check-for-nan-in-loss-and-grad continues and"
                + " leaves such updates out.")
            .formatted(iteration, name(result), PythonFormat.repr(value(result))));
  }

  private static String name(StepResult result) {
    if (!Double.isFinite(result.loss().lm())) {
      return "the lm loss";
    }
    return Double.isFinite(result.loss().z()) ? "the gradient's norm" : "the z loss";
  }

  private static double value(StepResult result) {
    if (!Double.isFinite(result.loss().lm())) {
      return result.loss().lm();
    }
    return Double.isFinite(result.loss().z()) ? result.gradNorm() : result.loss().z();
  }
}
