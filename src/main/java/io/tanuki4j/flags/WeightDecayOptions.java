package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Weight decay over the run. Part of {@link ScheduleOptions}. */
final class WeightDecayOptions {
  @Option(
      names = "--weight-decay",
      paramLabel = "X",
      description = "Decay of matrices; norms have none.")
  double weightDecay = 0.01;

  @Option(
      names = "--weight-decay-incr-style",
      paramLabel = "STYLE",
      description = "constant, or linear or cosine from start to end.")
  String weightDecayIncrStyle = "constant";

  @Option(
      names = "--start-weight-decay",
      paramLabel = "X",
      description = "Weight decay at the beginning, with linear and cosine.")
  @Nullable Double startWeightDecay;

  @Option(
      names = "--end-weight-decay",
      paramLabel = "X",
      description = "Weight decay at the end, with linear and cosine.")
  @Nullable Double endWeightDecay;

  void check(Problems problems) {
    problems.notNegative("--weight-decay", weightDecay, "Write 0 for none.");
    List<String> styles = List.of("constant", "linear", "cosine");
    problems.oneOf("--weight-decay-incr-style", weightDecayIncrStyle, styles);
    if (weightDecayIncrStyle.equals("constant")) {
      refuse("--start-weight-decay", startWeightDecay, problems);
      refuse("--end-weight-decay", endWeightDecay, problems);
    } else {
      require("--start-weight-decay", startWeightDecay, problems);
      require("--end-weight-decay", endWeightDecay, problems);
      if (startWeightDecay != null && endWeightDecay != null && startWeightDecay > endWeightDecay) {
        problems.add(
            "--start-weight-decay",
            PythonText.of(startWeightDecay),
            "at most --end-weight-decay, " + PythonText.of(endWeightDecay),
            "Weight decay can only grow.");
      }
    }
  }

  private void refuse(String flag, @Nullable Double value, Problems problems) {
    if (value != null && value != weightDecay) {
      problems.add(
          flag,
          PythonText.of(value),
          "not given with --weight-decay-incr-style constant",
          "Leave it out, or choose linear or cosine.");
    }
  }

  private void require(String flag, @Nullable Double value, Problems problems) {
    problems.required(
        flag,
        value,
        "a number, since --weight-decay-incr-style is " + weightDecayIncrStyle,
        "Add it.");
    problems.notNegative(flag, value, "Write 0 or more.");
  }

  double start() {
    return startWeightDecay == null ? weightDecay : startWeightDecay;
  }

  double end() {
    return endWeightDecay == null ? weightDecay : endWeightDecay;
  }
}
