package io.tanuki4j.optim;

import io.tanuki4j.error.UserException;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import io.tanuki4j.optim.ScheduleConfig.FinalDecay;
import io.tanuki4j.optim.ScheduleConfig.LearningRate;
import io.tanuki4j.optim.ScheduleConfig.WeightDecay;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The schedules' state in a checkpoint, under Megatron's keys, and its reconciliation with the
 * configuration of the run that loads it.
 */
final class ScheduleState {
  static final String NUM_STEPS = "num_steps";

  private final Map<String, ?> saved;
  private final OptimizerSchedule.Conflict conflict;
  private final int globalBatchSize;
  private final Consumer<String> log;

  ScheduleState(
      Map<String, ?> saved,
      OptimizerSchedule.Conflict conflict,
      int globalBatchSize,
      Consumer<String> log) {
    this.saved = saved;
    this.conflict = conflict;
    this.globalBatchSize = globalBatchSize;
    this.log = log;
  }

  static Map<String, Object> of(ScheduleConfig config, long samples) {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put(SavedSetting.MAX_RATE.key(), config.rate().max());
    state.put(SavedSetting.WARMUP.key(), config.rate().warmupSamples());
    state.put(NUM_STEPS, samples);
    state.put(SavedSetting.STYLE.key(), config.rate().style().spelling());
    state.put(SavedSetting.DECAY.key(), config.rate().decaySamples());
    state.put(SavedSetting.MIN_RATE.key(), config.rate().min());
    state.put(SavedSetting.START_DECAY.key(), config.weightDecay().start());
    state.put(SavedSetting.END_DECAY.key(), config.weightDecay().end());
    state.put(SavedSetting.RAMP_STYLE.key(), config.weightDecay().style().spelling());
    state.put(SavedSetting.RAMP.key(), config.weightDecay().samples());
    return state;
  }

  long samples() {
    return ((Number) find(NUM_STEPS, Number.class)).longValue();
  }

  /** Merges the state with the configuration. The comparisons follow Megatron's order. */
  ScheduleConfig merge(ScheduleConfig config) {
    double maxRate = number(SavedSetting.MAX_RATE, config.rate().max());
    double minRate = number(SavedSetting.MIN_RATE, config.rate().min());
    double warmup = number(SavedSetting.WARMUP, config.rate().warmupSamples());
    double decay = number(SavedSetting.DECAY, config.rate().decaySamples());
    DecayStyle style = style(SavedSetting.STYLE, config.rate().style());
    double startDecay = number(SavedSetting.START_DECAY, config.weightDecay().start());
    double endDecay = number(SavedSetting.END_DECAY, config.weightDecay().end());
    double ramp = number(SavedSetting.RAMP, config.weightDecay().samples());
    DecayStyle rampStyle = style(SavedSetting.RAMP_STYLE, config.weightDecay().style());
    return new ScheduleConfig(
        new LearningRate(style, maxRate, minRate, config.rate().init(), warmup, decay),
        new FinalDecay(config.finalDecay().style(), config.finalDecay().samples()),
        new WeightDecay(rampStyle, startDecay, endDecay, ramp),
        config.decoupled());
  }

  private double number(SavedSetting setting, double configured) {
    double value = ((Number) find(setting.key(), Number.class)).doubleValue();
    return choose(setting, configured, value);
  }

  private DecayStyle style(SavedSetting setting, DecayStyle configured) {
    String value = (String) find(setting.key(), String.class);
    return DecayStyle.of(choose(setting, configured.spelling(), value));
  }

  private <T> T choose(SavedSetting setting, T configured, T value) {
    String name = setting.megatronName();
    switch (conflict) {
      case KEEP_CONFIGURED -> {
        log.accept(" > overriding %s value to %s".formatted(name, text(configured)));
        return configured;
      }
      case TAKE_SAVED -> {
        log.accept(" > using checkpoint value %s for %s".formatted(text(value), name));
        return value;
      }
      case FAIL -> {
        if (!configured.equals(value)) {
          throw new UserException(setting.mismatch(text(configured), text(value), globalBatchSize));
        }
        return value;
      }
    }
    throw new IllegalStateException("no such policy: " + conflict);
  }

  /** Formats numbers without an exponent, and without a fraction that is zero. */
  private static String text(Object value) {
    return value instanceof Double number
        ? new BigDecimal(number.toString()).stripTrailingZeros().toPlainString()
        : value.toString();
  }

  private Object find(String key, Class<?> type) {
    Object value = saved.get(key);
    if (!type.isInstance(value)) {
      throw new UserException(
          ("the checkpoint's schedule has %s: %s (expected: a %s). Use --no-load-optim to start"
                  + " the schedule anew.")
              .formatted(key, value, type == Number.class ? "number" : "string"));
    }
    return value;
  }
}
