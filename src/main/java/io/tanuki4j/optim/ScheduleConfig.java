package io.tanuki4j.optim;

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
    CONSTANT,
    LINEAR,
    COSINE,
    INVERSE_SQUARE_ROOT,
    WSD,
    EXPONENTIAL,
    MINUS_SQRT
  }
}
