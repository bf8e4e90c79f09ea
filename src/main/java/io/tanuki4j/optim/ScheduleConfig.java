package io.tanuki4j.optim;

import io.tanuki4j.error.UserException;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Learning rate and weight decay over the run. All lengths are in samples, as in Megatron.
 *
 * @param warmupSamples may be fractional ({@code --lr-warmup-fraction})
 * @param wsdDecaySamples length of the final decay of the WSD style; 0 for the other styles
 */
public record ScheduleConfig(
    DecayStyle style,
    double maxRate,
    double minRate,
    double warmupInitRate,
    double warmupSamples,
    double decaySamples,
    double wsdDecaySamples,
    DecayStyle wsdDecayStyle,
    double startWeightDecay,
    double endWeightDecay,
    DecayStyle weightDecayStyle,
    double weightDecaySamples) {

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
