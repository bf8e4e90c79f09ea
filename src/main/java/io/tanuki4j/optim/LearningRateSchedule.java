package io.tanuki4j.optim;

import io.tanuki4j.error.UserException;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import java.util.EnumSet;
import java.util.Set;

/**
 * The learning rate as a function of the samples consumed before an iteration, in Megatron-LM's
 * order of operations. The first iteration therefore runs at the warm-up's initial rate, which is 0
 * by default.
 */
public final class LearningRateSchedule {
  private static final Set<DecayStyle> STYLES =
      EnumSet.of(
          DecayStyle.CONSTANT,
          DecayStyle.LINEAR,
          DecayStyle.COSINE,
          DecayStyle.INVERSE_SQUARE_ROOT,
          DecayStyle.WSD);

  private static final Set<DecayStyle> FINAL_STYLES =
      EnumSet.of(
          DecayStyle.LINEAR, DecayStyle.COSINE, DecayStyle.EXPONENTIAL, DecayStyle.MINUS_SQRT);

  private final ScheduleConfig config;

  /**
   * @throws UserException if the rates or the lengths contradict each other
   */
  public LearningRateSchedule(ScheduleConfig config) {
    this.config = config;
    require(
        config.rate().min() >= 0 && config.rate().min() <= config.rate().max(),
        "min-lr: %s (expected: from 0 to lr %s). Change --min-lr or --lr.",
        config.rate().min(),
        config.rate().max());
    require(
        config.rate().init() <= config.rate().max(),
        "lr-warmup-init: %s (expected: at most lr %s). Change --lr-warmup-init or --lr.",
        config.rate().init(),
        config.rate().max());
    require(
        config.rate().decaySamples() > 0
            && config.rate().warmupSamples() < config.rate().decaySamples(),
        "warm-up: %s samples (expected: less than the %s samples of the decay)."
            + " Shorten the warm-up or raise --lr-decay-iters or --lr-decay-samples.",
        config.rate().warmupSamples(),
        config.rate().decaySamples());
    requireStyle("lr-decay-style", config.rate().style(), STYLES);
    if (config.rate().style() == DecayStyle.WSD) {
      requireStyle("lr-wsd-decay-style", config.finalDecay().style(), FINAL_STYLES);
      require(
          config.finalDecay().samples() > 0
              && config.finalDecay().samples() <= config.rate().decaySamples(),
          "final decay: %s samples (expected: above 0, at most the %s of the whole decay)."
              + " Change --lr-wsd-decay-iters or --lr-wsd-decay-samples.",
          config.finalDecay().samples(),
          config.rate().decaySamples());
    }
  }

  /**
   * Returns the rate of the iteration that starts after this many samples.
   *
   * @param samples consumed by all ranks together
   */
  public double at(long samples) {
    double warmup = config.rate().warmupSamples();
    if (warmup > 0 && samples <= warmup) {
      double range = config.rate().max() - config.rate().init();
      return config.rate().init() + range * samples / warmup;
    }
    if (config.rate().style() == DecayStyle.CONSTANT) {
      return config.rate().max();
    }
    if (samples > config.rate().decaySamples()) {
      return config.rate().min();
    }
    if (config.rate().style() == DecayStyle.INVERSE_SQUARE_ROOT) {
      double rate = config.rate().max() * Math.sqrt(Math.max(warmup, 1));
      return Math.max(config.rate().min(), rate / Math.sqrt(Math.max(samples, 1)));
    }
    return config.rate().min() + share(samples) * (config.rate().max() - config.rate().min());
  }

  /** Returns how much of the way from the lowest to the highest rate is left, 1 to 0. */
  private double share(long samples) {
    double done =
        (samples - config.rate().warmupSamples())
            / (config.rate().decaySamples() - config.rate().warmupSamples());
    return switch (config.rate().style()) {
      case LINEAR -> 1 - done;
      case COSINE -> halfCosine(done);
      case WSD -> finalDecay(samples);
      default -> throw new IllegalStateException("checked before: " + config.rate().style());
    };
  }

  /** Returns the share in the last phase of warm-up, stable, decay (Hu et al., 2024, MiniCPM). */
  private double finalDecay(long samples) {
    double start = config.rate().decaySamples() - config.finalDecay().samples();
    if (samples <= start) {
      return 1;
    }
    double done = (samples - start) / config.finalDecay().samples();
    return switch (config.finalDecay().style()) {
      case LINEAR -> 1 - done;
      case COSINE -> halfCosine(done);
      case EXPONENTIAL -> 2 * Math.pow(0.5, done) - 1;
      case MINUS_SQRT -> 1 - Math.sqrt(done);
      default -> throw new IllegalStateException("checked before: " + config.finalDecay().style());
    };
  }

  private static double halfCosine(double done) {
    return 0.5 * (Math.cos(Math.PI * done) + 1);
  }

  static void requireStyle(String flag, DecayStyle style, Set<DecayStyle> allowed) {
    if (!allowed.contains(style)) {
      throw new UserException(
          "%s: %s (expected: one of %s). Change --%s."
              .formatted(flag, style.spelling(), DecayStyle.spellings(allowed), flag));
    }
  }

  private static void require(boolean holds, String message, double value, double bound) {
    if (!holds) {
      throw new UserException(message.formatted(value, bound));
    }
  }
}
