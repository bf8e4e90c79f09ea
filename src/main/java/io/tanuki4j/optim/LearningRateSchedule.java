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
        config.minRate() >= 0 && config.minRate() <= config.maxRate(),
        "min-lr: %s (expected: from 0 to lr %s). Change --min-lr or --lr.",
        config.minRate(),
        config.maxRate());
    require(
        config.warmupInitRate() <= config.maxRate(),
        "lr-warmup-init: %s (expected: at most lr %s). Change --lr-warmup-init or --lr.",
        config.warmupInitRate(),
        config.maxRate());
    require(
        config.decaySamples() > 0 && config.warmupSamples() < config.decaySamples(),
        "warm-up: %s samples (expected: less than the %s samples of the decay)."
            + " Shorten the warm-up or raise --lr-decay-iters or --lr-decay-samples.",
        config.warmupSamples(),
        config.decaySamples());
    requireStyle("lr-decay-style", config.style(), STYLES);
    if (config.style() == DecayStyle.WSD) {
      requireStyle("lr-wsd-decay-style", config.wsdDecayStyle(), FINAL_STYLES);
      require(
          config.wsdDecaySamples() > 0 && config.wsdDecaySamples() <= config.decaySamples(),
          "final decay: %s samples (expected: above 0, at most the %s of the whole decay)."
              + " Change --lr-wsd-decay-iters or --lr-wsd-decay-samples.",
          config.wsdDecaySamples(),
          config.decaySamples());
    }
  }

  /**
   * Returns the rate of the iteration that starts after this many samples.
   *
   * @param samples consumed by all ranks together
   */
  public double at(long samples) {
    double warmup = config.warmupSamples();
    if (warmup > 0 && samples <= warmup) {
      double range = config.maxRate() - config.warmupInitRate();
      return config.warmupInitRate() + range * samples / warmup;
    }
    if (config.style() == DecayStyle.CONSTANT) {
      return config.maxRate();
    }
    if (samples > config.decaySamples()) {
      return config.minRate();
    }
    if (config.style() == DecayStyle.INVERSE_SQUARE_ROOT) {
      double rate = config.maxRate() * Math.sqrt(Math.max(warmup, 1));
      return Math.max(config.minRate(), rate / Math.sqrt(Math.max(samples, 1)));
    }
    return config.minRate() + share(samples) * (config.maxRate() - config.minRate());
  }

  /** Returns how much of the way from the lowest to the highest rate is left, 1 to 0. */
  private double share(long samples) {
    double done =
        (samples - config.warmupSamples()) / (config.decaySamples() - config.warmupSamples());
    return switch (config.style()) {
      case LINEAR -> 1 - done;
      case COSINE -> halfCosine(done);
      case WSD -> finalDecay(samples);
      default -> throw new IllegalStateException("checked before: " + config.style());
    };
  }

  /** Returns the share in the last phase of warm-up, stable, decay (Hu et al., 2024, MiniCPM). */
  private double finalDecay(long samples) {
    double start = config.decaySamples() - config.wsdDecaySamples();
    if (samples <= start) {
      return 1;
    }
    double done = (samples - start) / config.wsdDecaySamples();
    return switch (config.wsdDecayStyle()) {
      case LINEAR -> 1 - done;
      case COSINE -> halfCosine(done);
      case EXPONENTIAL -> 2 * Math.pow(0.5, done) - 1;
      case MINUS_SQRT -> 1 - Math.sqrt(done);
      default -> throw new IllegalStateException("checked before: " + config.wsdDecayStyle());
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
