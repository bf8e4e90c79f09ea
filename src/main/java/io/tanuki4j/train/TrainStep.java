package io.tanuki4j.train;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.optim.AdamW;
import java.util.ArrayList;
import java.util.List;

/**
 * One iteration: the gradient of a global batch, a micro-batch at a time, then one update.
 *
 * <p>The loss is a sum over tokens divided by the number of tokens of the global batch that count,
 * which is known before the first forward. This is Megatron's {@code --calculate-per-token-loss},
 * and equals its default where no token is masked. Nothing is read back from the device.
 */
public final class TrainStep {
  private final MicrobatchRunner<?> runner;
  private final AdamW optimizer;
  private final ResultRing results;
  private final List<TokenBatch> batches = new ArrayList<>();

  /**
   * @param runner of the model whose parameters the optimizer updates
   * @param scope memory for results that were not taken yet, for as long as this is used
   */
  public TrainStep(Device device, MicrobatchRunner<?> runner, AdamW optimizer, MemoryScope scope) {
    this.runner = runner;
    this.optimizer = optimizer;
    this.results = new ResultRing(device, scope);
  }

  /**
   * Takes a global batch and updates the weights. After {@link #isFull} results must be taken.
   *
   * @throws IllegalArgumentException if no token of the global batch counts
   */
  public void run(
      BatchSource source, int numMicrobatches, double learningRate, double weightDecay) {
    double numTokens = take(source, numMicrobatches);
    runner.setGradScale(1 / numTokens);
    results.begin();
    runner.train(batches, results.lossSums());
    runner.shareLosses(results.lossSums());
    optimizer.step(learningRate, weightDecay, results.norm());
    results.end(numTokens);
    batches.clear();
  }

  /** Whether there is no room for the results of another iteration. */
  public boolean isFull() {
    return results.isFull();
  }

  /** The results since the last call, oldest first. Waits for the device. */
  public List<StepResult> takeResults() {
    return results.drain();
  }

  private double take(BatchSource source, int numMicrobatches) {
    long firstSample = source.consumedSamples();
    double numTokens = 0;
    batches.clear();
    for (int i = 0; i < numMicrobatches; i++) {
      TokenBatch batch = source.next();
      numTokens += batch.numValidTokens();
      batches.add(batch);
    }
    if (!(numTokens > 0)) {
      throw new IllegalArgumentException(
          ("samples %d to %d: no token counts for the loss (expected: at least one in a global"
                  + " batch). Drop --eod-mask-loss, or raise --global-batch-size.")
              .formatted(firstSample, source.consumedSamples() - 1));
    }
    return numTokens;
  }
}
