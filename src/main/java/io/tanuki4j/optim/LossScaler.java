package io.tanuki4j.optim;

import io.tanuki4j.error.UserException;
import java.util.Map;

/**
 * The scale of the loss, which follows from the updates so far, as in Megatron's dynamic gradient
 * scaler: numbers are fp32, and the count of skipped updates is reset only when the scale grows.
 */
final class LossScaler {
  private static final String SCALE = "scale";
  private static final String GROWTH = "growth_tracker";
  private static final String HYSTERESIS = "hysteresis_tracker";

  private final LossScaling config;
  private float scale;
  private long goodUpdates;
  private long skipsLeft;

  LossScaler(LossScaling config) {
    this.config = config;
    this.scale = (float) config.initial();
    this.skipsLeft = config.hysteresis();
  }

  /** Returns what the next iteration's loss is multiplied by. */
  double scale() {
    return scale;
  }

  /**
   * Takes note of an iteration.
   *
   * @param finite whether its gradients were finite, on all ranks
   */
  void update(boolean finite) {
    if (!finite) {
      goodUpdates = 0;
      skipsLeft--;
      if (skipsLeft <= 0) {
        scale = Math.max(scale / 2, (float) config.min());
      }
      return;
    }
    goodUpdates++;
    if (goodUpdates == config.window()) {
      goodUpdates = 0;
      skipsLeft = config.hysteresis();
      scale *= 2;
    }
  }

  /** Returns the state under Megatron's names; empty if the scale is constant. */
  Map<String, Object> state() {
    return config.isConstant()
        ? Map.of()
        : Map.of(SCALE, (double) scale, GROWTH, goodUpdates, HYSTERESIS, skipsLeft);
  }

  /**
   * Continues from a state. A constant scale keeps its own, and a dynamic one starts anew after a
   * run that had none.
   *
   * @throws UserException if a number is missing
   */
  void restore(Map<?, ?> state) {
    if (!config.isConstant() && !state.isEmpty()) {
      scale = (float) number(state, SCALE);
      goodUpdates = (long) number(state, GROWTH);
      skipsLeft = (long) number(state, HYSTERESIS);
    }
  }

  private static double number(Map<?, ?> state, String name) {
    if (!(state.get(name) instanceof Number value)) {
      throw new UserException(
          "the checkpoint's state of the loss scale has %s: %s (expected: a number). Use"
                  .formatted(name, state.get(name))
              + " --no-load-optim to start the optimizer anew.");
    }
    return value.doubleValue();
  }
}
