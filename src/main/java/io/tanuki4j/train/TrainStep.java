package io.tanuki4j.train;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.parallel.data.DataParallel;
import java.util.ArrayList;
import java.util.List;

/**
 * One iteration of a rank: the gradient of its part of a global batch, a micro-batch at a time, the
 * sum over all ranks, then one update.
 *
 * <p>The loss is a sum over tokens. What it is divided by ({@link LossNormalization}) is known
 * before the first forward. Nothing is read back from the device, except for the number of tokens
 * where several ranks have masked ones, and the norm where the loss is scaled.
 */
public final class TrainStep {
  private final MicrobatchRunner<?> runner;
  private final DataParallel data;
  private final AdamW optimizer;
  private final TokenCount tokens;
  private final LossNormalization normalization;
  private final Timers timers;
  private final ResultRing results;
  private final List<TokenBatch> batches = new ArrayList<>();
  private boolean updated = true;

  /**
   * Creates a step without timers and with Megatron's default normalisation; see the other
   * constructor.
   */
  public TrainStep(
      Device device,
      MicrobatchRunner<?> runner,
      DataParallel data,
      AdamW optimizer,
      MemoryScope scope) {
    this(
        device,
        runner,
        data,
        optimizer,
        LossNormalization.MICROBATCHES,
        Timers.none(device),
        scope);
  }

  /**
   * @param runner of the model whose parameters the optimizer updates
   * @param timers of the parts
   * @param scope memory for results that were not taken yet, for as long as this is used
   */
  public TrainStep(
      Device device,
      MicrobatchRunner<?> runner,
      DataParallel data,
      AdamW optimizer,
      LossNormalization normalization,
      Timers timers,
      MemoryScope scope) {
    this.runner = runner;
    this.data = data;
    this.optimizer = optimizer;
    this.tokens = new TokenCount(data.samples(), device, scope);
    this.normalization = normalization;
    this.timers = timers;
    this.results = new ResultRing(device, scope);
  }

  /**
   * Takes this rank's samples of a global batch and updates the weights. After {@link #isFull}
   * results must be taken.
   *
   * @param numMicrobatches of this rank
   * @throws UserException if no token of the global batch counts
   */
  public void run(BatchSource source, int numMicrobatches, Rates rates) {
    double numTokens = take(source, numMicrobatches);
    long all = (long) numMicrobatches * data.samples().size();
    results.begin();
    timers.measure(
        Timers.FORWARD_BACKWARD,
        () ->
            runner.train(
                batches,
                batch -> optimizer.lossScale() * normalization.gradScale(batch, all, numTokens),
                results.lossSums(),
                data));
    timers.measure(Timers.GRADS_SYNC, data::finishGradients);
    data.sumLosses(results.lossSums());
    timers.measure(Timers.OPTIMIZER, () -> optimizer.step(rates, results.norm()));
    timers.measure(Timers.PARAMS_GATHER, data::shareWeights);
    if (optimizer.scalesLoss()) {
      updated = results.isNormFinite();
      optimizer.finish(updated);
    }
    results.end(numTokens, optimizer.lossScale());
    batches.clear();
  }

  /**
   * Returns whether the last step changed the weights, as far as the host knows: it looks only
   * where the loss is scaled, since a schedule must then know before the next step.
   */
  boolean hasUpdated() {
    return updated;
  }

  /** Makes the weights whole, before anything but a step or an evaluation reads them. */
  void completeWeights() {
    data.completeWeights();
  }

  /** Returns whether there is no room for the results of another iteration. */
  public boolean isFull() {
    return results.isFull();
  }

  /** Returns the results since the last call, oldest first. Waits for the device. */
  public List<StepResult> takeResults() {
    return results.drain();
  }

  private double take(BatchSource source, int numMicrobatches) {
    long firstSample = source.consumedSamples();
    double ownTokens = 0;
    batches.clear();
    for (int i = 0; i < numMicrobatches; i++) {
      TokenBatch batch = source.next();
      ownTokens += batch.numValidTokens();
      batches.add(batch);
    }
    double numTokens = tokens.total(ownTokens, source);
    if (!(numTokens > 0)) {
      throw new UserException(
          ("samples %d to %d: no token counts for the loss (expected: at least one in a global"
                  + " batch). Drop --eod-mask-loss, or raise --global-batch-size.")
              .formatted(firstSample, source.consumedSamples() - 1));
    }
    return numTokens;
  }
}
