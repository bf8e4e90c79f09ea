package io.tanuki4j.optim;

/**
 * The numbers of one update.
 *
 * @param ofEnds the learning rate of the embedding and of the output
 * @param weightDecay for the parameters that decay
 */
public record Rates(double learningRate, double ofEnds, double weightDecay) {
  /** Returns one learning rate for all weights. */
  public static Rates of(double learningRate, double weightDecay) {
    return new Rates(learningRate, learningRate, weightDecay);
  }
}
