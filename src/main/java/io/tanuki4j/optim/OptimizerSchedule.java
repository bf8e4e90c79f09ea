package io.tanuki4j.optim;

import io.tanuki4j.error.UserException;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Where a run stands on its schedules of learning rate and weight decay. It counts the samples of
 * the updates made so far. A run resumed without its optimizer has consumed more samples than that,
 * so it warms up again.
 */
public final class OptimizerSchedule {
  /** What to do where a checkpoint and the configuration of the run disagree. */
  public enum Conflict {
    FAIL,
    /** {@code --override-opt_param-scheduler}. */
    KEEP_CONFIGURED,
    /** {@code --use-checkpoint-opt_param-scheduler}. */
    TAKE_SAVED
  }

  private ScheduleConfig config;
  private LearningRateSchedule rates;
  private LearningRateSchedule ratesOfEnds;
  private WeightDecaySchedule decays;
  private long samples;

  /**
   * @throws UserException if the configuration contradicts itself
   */
  public OptimizerSchedule(ScheduleConfig config) {
    this.config = config;
    this.rates = new LearningRateSchedule(config);
    this.ratesOfEnds = ofEnds(config);
    this.decays = new WeightDecaySchedule(config);
  }

  private static LearningRateSchedule ofEnds(ScheduleConfig config) {
    ScheduleConfig.Bounds bounds = config.decoupled();
    return new LearningRateSchedule(bounds == null ? config : config.ofEnds(bounds));
  }

  /** Returns the numbers of the next update. */
  public Rates rates() {
    return new Rates(learningRate(), ratesOfEnds.at(samples), weightDecay());
  }

  /** Returns the learning rate of the next update, of most weights. */
  public double learningRate() {
    return rates.at(samples);
  }

  /** Returns the one of the embedding and of the output; null if they have none of their own. */
  public @Nullable Double decoupledLearningRate() {
    return config.decoupled() == null ? null : ratesOfEnds.at(samples);
  }

  /** Returns the weight decay of the next update, for the parameters that decay. */
  public double weightDecay() {
    return decays.at(samples);
  }

  /** Counts the samples of an update. */
  public void advance(long updateSamples) {
    samples += updateSamples;
  }

  /** Returns the state for a checkpoint: numbers and strings under Megatron's keys. */
  public Map<String, Object> state() {
    return ScheduleState.of(config, samples);
  }

  /**
   * Continues where a checkpoint stopped.
   *
   * @param globalBatchSize samples of an iteration, for the message
   * @param log gets a line per chosen value, if one side was asked for
   * @throws UserException if the two disagree and {@code conflict} is FAIL, or if the state is
   *     incomplete
   */
  public void load(
      Map<String, ?> state, Conflict conflict, int globalBatchSize, Consumer<String> log) {
    ScheduleState saved = new ScheduleState(state, conflict, globalBatchSize, log);
    config = saved.merge(config);
    rates = new LearningRateSchedule(config);
    ratesOfEnds = ofEnds(config);
    decays = new WeightDecaySchedule(config);
    samples = saved.samples();
  }
}
