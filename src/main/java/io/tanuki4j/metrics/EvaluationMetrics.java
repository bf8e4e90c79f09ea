package io.tanuki4j.metrics;

/**
 * The loss over one evaluation.
 *
 * @param where the words of Megatron's line after "validation loss at ", for example {@code
 *     iteration 10} or {@code iteration 500 on test set}
 * @param set {@code validation} or {@code test}
 * @param lmLoss mean cross entropy per token, nats
 */
public record EvaluationMetrics(String where, String set, long iteration, double lmLoss) {
  /** Returns the perplexity, {@code exp(min(20, loss))}. */
  public double perplexity() {
    return Math.exp(Math.min(20, lmLoss));
  }
}
