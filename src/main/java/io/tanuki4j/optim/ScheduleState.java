package io.tanuki4j.optim;

import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import java.math.BigDecimal;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;

/**
 * What a checkpoint holds of the schedules, under Megatron's keys, and how it is brought together
 * with the configuration of the run that loads it.
 */
final class ScheduleState {
  static final String NUM_STEPS = "num_steps";

  private final Map<String, ?> saved;
  private final OptimizerSchedule.Conflict conflict;
  private final Consumer<String> log;

  ScheduleState(Map<String, ?> saved, OptimizerSchedule.Conflict conflict, Consumer<String> log) {
    this.saved = saved;
    this.conflict = conflict;
    this.log = log;
  }

  static Map<String, Object> of(ScheduleConfig config, long samples) {
    Map<String, Object> state = new LinkedHashMap<>();
    state.put("max_lr", config.maxRate());
    state.put("lr_warmup_steps", config.warmupSamples());
    state.put(NUM_STEPS, samples);
    state.put("lr_decay_style", config.style().spelling());
    state.put("lr_decay_steps", config.decaySamples());
    state.put("min_lr", config.minRate());
    state.put("start_wd", config.startWeightDecay());
    state.put("end_wd", config.endWeightDecay());
    state.put("wd_incr_style", config.weightDecayStyle().spelling());
    state.put("wd_incr_steps", config.weightDecaySamples());
    return state;
  }

  long samples() {
    return ((Number) find(NUM_STEPS, Number.class)).longValue();
  }

  /** Names and order of the comparisons are those of Megatron's messages. */
  ScheduleConfig merge(ScheduleConfig config) {
    double maxRate = number("max_lr", "learning rate", config.maxRate());
    double minRate = number("min_lr", "minimum learning rate", config.minRate());
    double warmup = number("lr_warmup_steps", "warmup iterations", config.warmupSamples());
    double decay = number("lr_decay_steps", "total number of iterations", config.decaySamples());
    DecayStyle style = style("lr_decay_style", "learning rate decay style", config.style());
    double startDecay = number("start_wd", "start weight decay", config.startWeightDecay());
    double endDecay = number("end_wd", "end weight decay", config.endWeightDecay());
    double ramp =
        number(
            "wd_incr_steps",
            "total number of weight decay iterations",
            config.weightDecaySamples());
    DecayStyle rampStyle =
        style("wd_incr_style", "weight decay incr style", config.weightDecayStyle());
    return new ScheduleConfig(
        style,
        maxRate,
        minRate,
        config.warmupInitRate(),
        warmup,
        decay,
        config.wsdDecaySamples(),
        config.wsdDecayStyle(),
        startDecay,
        endDecay,
        rampStyle,
        ramp);
  }

  private double number(String key, String name, double configured) {
    double value = ((Number) find(key, Number.class)).doubleValue();
    return choose(name, configured, value);
  }

  private DecayStyle style(String key, String name, DecayStyle configured) {
    String value = (String) find(key, String.class);
    return DecayStyle.of(choose(name, configured.spelling(), value));
  }

  private <T> T choose(String name, T configured, T value) {
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
          throw new IllegalArgumentException(mismatch(name, configured, value));
        }
        return value;
      }
    }
    throw new IllegalStateException("no such policy: " + conflict);
  }

  private static String mismatch(String name, Object configured, Object value) {
    return ("OptimizerParamScheduler: class input value %s and checkpointvalue %s for %s do not"
            + " match. Give --override-opt_param-scheduler to go on with the first, or"
            + " --use-checkpoint-opt_param-scheduler with the second.")
        .formatted(text(configured), text(value), name);
  }

  /** Numbers without an exponent, and without a fraction that is zero. */
  private static String text(Object value) {
    return value instanceof Double number
        ? new BigDecimal(number.toString()).stripTrailingZeros().toPlainString()
        : value.toString();
  }

  private Object find(String key, Class<?> type) {
    Object value = saved.get(key);
    if (!type.isInstance(value)) {
      throw new IllegalArgumentException(
          ("the checkpoint's schedule has %s: %s (expected: a %s). Use --no-load-optim to start"
                  + " the schedule anew.")
              .formatted(key, value, type == Number.class ? "number" : "string"));
    }
    return value;
  }
}
