package io.tanuki4j.optim;

import io.tanuki4j.error.UserException;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import java.util.EnumSet;
import java.util.Set;

/** The weight decay as a function of the consumed samples, in Megatron-LM's order of operations. */
public final class WeightDecaySchedule {
  private static final Set<DecayStyle> STYLES =
      EnumSet.of(DecayStyle.CONSTANT, DecayStyle.LINEAR, DecayStyle.COSINE);

  private final ScheduleConfig config;

  /**
   * @throws UserException if the decay is negative or falls
   */
  public WeightDecaySchedule(ScheduleConfig config) {
    this.config = config;
    LearningRateSchedule.requireStyle(
        "weight-decay-incr-style", config.weightDecay().style(), STYLES);
    if (config.weightDecay().start() < 0
        || config.weightDecay().start() > config.weightDecay().end()) {
      throw new UserException(
          ("start-weight-decay: %s (expected: from 0 to end-weight-decay %s)."
                  + " Change --start-weight-decay or --end-weight-decay.")
              .formatted(config.weightDecay().start(), config.weightDecay().end()));
    }
  }

  public double at(long samples) {
    if (samples > config.weightDecay().samples()
        || config.weightDecay().style() == DecayStyle.CONSTANT) {
      return config.weightDecay().end();
    }
    double done = samples / config.weightDecay().samples();
    double share =
        switch (config.weightDecay().style()) {
          case LINEAR -> done;
          case COSINE -> 0.5 * (Math.cos(Math.PI * (1 - done)) + 1);
          default ->
              throw new IllegalStateException("checked before: " + config.weightDecay().style());
        };
    return config.weightDecay().start()
        + share * (config.weightDecay().end() - config.weightDecay().start());
  }
}
