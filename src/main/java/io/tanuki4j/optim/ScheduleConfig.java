package io.tanuki4j.optim;

import io.tanuki4j.error.UserException;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Learning rate and weight decay over the run. All lengths are in samples, as in Megatron. */
public record ScheduleConfig(
    LearningRate rate, FinalDecay finalDecay, WeightDecay weightDecay, @Nullable Bounds decoupled) {

  /** Configures one learning rate for all weights. */
  public ScheduleConfig(LearningRate rate, FinalDecay finalDecay, WeightDecay weightDecay) {
    this(rate, finalDecay, weightDecay, null);
  }

  /**
   * The bounds of the learning rate of the embedding and of the output ({@code --decoupled-lr}).
   */
  public record Bounds(double max, double min) {}

  /** Returns the schedule of the embedding and of the output, which runs between other bounds. */
  ScheduleConfig ofEnds(Bounds bounds) {
    LearningRate other =
        new LearningRate(
            rate.style, bounds.max, bounds.min, rate.init, rate.warmupSamples, rate.decaySamples);
    return new ScheduleConfig(other, finalDecay, weightDecay);
  }

  /**
   * The learning rate: a warm-up, then a decay.
   *
   * @param init where the warm-up begins
   * @param warmupSamples may be fractional ({@code --lr-warmup-fraction})
   * @param decaySamples from the start of the run to the end of the decay
   */
  public record LearningRate(
      DecayStyle style,
      double max,
      double min,
      double init,
      double warmupSamples,
      double decaySamples) {}

  /**
   * The last part of the WSD style's decay.
   *
   * @param samples its length; 0 for the other styles
   */
  public record FinalDecay(DecayStyle style, double samples) {}

  /**
   * The weight decay.
   *
   * @param samples over which it changes
   */
  public record WeightDecay(DecayStyle style, double start, double end, double samples) {}

  /** {@code --lr-decay-style}, {@code --lr-wsd-decay-style}, {@code --weight-decay-incr-style}. */
  public enum DecayStyle {
    CONSTANT("constant"),
    LINEAR("linear"),
    COSINE("cosine"),
    INVERSE_SQUARE_ROOT("inverse-square-root"),
    WSD("WSD"),
    EXPONENTIAL("exponential"),
    MINUS_SQRT("minus_sqrt");

    private final String spelling;

    DecayStyle(String spelling) {
      this.spelling = spelling;
    }

    /** Returns the spelling of the flags, the log and checkpoints. */
    public String spelling() {
      return spelling;
    }

    /** Returns the spellings for a message: {@code linear, cosine}. */
    static String spellings(Collection<DecayStyle> styles) {
      return styles.stream().map(DecayStyle::spelling).collect(Collectors.joining(", "));
    }

    /**
     * Returns the style of a spelling.
     *
     * @throws UserException if no style is spelled so
     */
    public static DecayStyle of(String spelling) {
      return Arrays.stream(values())
          .filter(style -> style.spelling.equals(spelling))
          .findFirst()
          .orElseThrow(
              () ->
                  new UserException(
                      "decay style: %s (expected: one of %s)."
                          .formatted(spelling, spellings(List.of(values())))));
    }
  }
}
