package io.tanuki4j.optim;

import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import io.tanuki4j.optim.ScheduleConfig.FinalDecay;
import io.tanuki4j.optim.ScheduleConfig.LearningRate;
import io.tanuki4j.optim.ScheduleConfig.WeightDecay;

/** Schedules that tests share. */
final class Schedules {
  private Schedules() {}

  /** 1e-3 to 1e-5, 10 samples of warm-up, 100 of decay, 20 of final decay. */
  static ScheduleConfig of(DecayStyle style, DecayStyle finalStyle) {
    return new ScheduleConfig(
        new LearningRate(style, 1e-3, 1e-5, 0, 10, 100),
        new FinalDecay(finalStyle, 20),
        new WeightDecay(DecayStyle.CONSTANT, 0.1, 0.1, 100));
  }

  static ScheduleConfig cosine() {
    return of(DecayStyle.COSINE, DecayStyle.EXPONENTIAL);
  }

  /** Weight decay from 0.01 to 0.1 over 100 samples. */
  static ScheduleConfig weightDecay(DecayStyle style) {
    return new ScheduleConfig(
        new LearningRate(DecayStyle.LINEAR, 1e-3, 1e-5, 0, 10, 100),
        new FinalDecay(DecayStyle.EXPONENTIAL, 0),
        new WeightDecay(style, 0.01, 0.1, 100));
  }
}
