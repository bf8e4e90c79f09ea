package io.tanuki4j.flags;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import io.tanuki4j.optim.ScheduleConfig;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import io.tanuki4j.optim.ScheduleConfig.FinalDecay;
import io.tanuki4j.optim.ScheduleConfig.LearningRate;
import io.tanuki4j.optim.ScheduleConfig.WeightDecay;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The flags of {@link ScheduleConfig}. */
public final class ScheduleOptions {
  private static final double SOME_RATE = 1e-4;

  @Option(
      names = "--decoupled-lr",
      paramLabel = "X",
      description = "Another --lr for the embedding and the output.")
  @Nullable Double decoupledLr;

  @Option(
      names = "--decoupled-min-lr",
      paramLabel = "X",
      description = "Another --min-lr for them; used with --decoupled-lr.")
  @Nullable Double decoupledMinLr;

  @Option(names = "--lr", paramLabel = "X", description = "Largest learning rate.")
  @Nullable Double lr;

  @Option(names = "--min-lr", paramLabel = "X", description = "Smallest, after the decay.")
  double minLr;

  @Option(
      names = "--lr-decay-style",
      paramLabel = "STYLE",
      description = "constant, linear, cosine, inverse-square-root or WSD.")
  String lrDecayStyle = "linear";

  @Option(
      names = "--lr-decay-iters",
      paramLabel = "N",
      description = "Iterations until the smallest rate (--train-iters).")
  @Nullable Integer lrDecayIters;

  @Option(
      names = "--lr-decay-samples",
      paramLabel = "N",
      description = "The same in samples (--train-samples).")
  @Nullable Long lrDecaySamples;

  @Option(
      names = "--lr-warmup-iters",
      paramLabel = "N",
      description = "Iterations over which the rate rises.")
  int lrWarmupIters;

  @Option(names = "--lr-warmup-samples", paramLabel = "N", description = "The same in samples.")
  long lrWarmupSamples;

  @Option(
      names = "--lr-warmup-fraction",
      paramLabel = "X",
      description = "The same as a share of the decay's length.")
  @Nullable Double lrWarmupFraction;

  @Option(names = "--lr-warmup-init", paramLabel = "X", description = "Rate of iteration 1.")
  double lrWarmupInit;

  @Option(
      names = "--lr-wsd-decay-style",
      paramLabel = "STYLE",
      description = "How the end of WSD decays: exponential, linear, cosine or minus_sqrt.")
  String lrWsdDecayStyle = "exponential";

  @Option(
      names = "--lr-wsd-decay-iters",
      paramLabel = "N",
      description = "Iterations of the end of WSD.")
  @Nullable Integer lrWsdDecayIters;

  @Option(names = "--lr-wsd-decay-samples", paramLabel = "N", description = "The same in samples.")
  @Nullable Long lrWsdDecaySamples;

  @Mixin final WeightDecayOptions weightDecay = new WeightDecayOptions();

  /** Sets a learning rate for a run whose result is discarded. */
  void deriveRate() {
    if (lr == null) {
      lr = Math.max(SOME_RATE, Math.max(minLr, lrWarmupInit));
    }
  }

  /** Sets the lengths that follow from the run's length; call {@link #check} afterwards. */
  void derive(TrainOptions train) {
    if (train.trainSamples == null && lrDecayIters == null && isPositive(train.trainIters)) {
      lrDecayIters = train.trainIters;
    }
    if (lrDecaySamples == null && isPositive(train.trainSamples)) {
      lrDecaySamples = train.trainSamples;
    }
  }

  private static boolean isPositive(@Nullable Number length) {
    return length != null && length.longValue() > 0;
  }

  void check(boolean inSamples, Problems problems) {
    checkRates(problems);
    checkDecoupled(problems);
    List<String> styles = List.of("constant", "linear", "cosine", "inverse-square-root", "WSD");
    problems.oneOf("--lr-decay-style", lrDecayStyle, styles);
    problems.oneOf(
        "--lr-wsd-decay-style",
        lrWsdDecayStyle,
        List.of("exponential", "linear", "cosine", "minus_sqrt"));
    if (inSamples) {
      refuse("--lr-decay-iters", lrDecayIters, "--train-samples", problems);
      refuse("--lr-warmup-iters", lrWarmupIters, "--train-samples", problems);
      refuse("--lr-wsd-decay-iters", lrWsdDecayIters, "--train-samples", problems);
    } else {
      refuse("--lr-decay-samples", lrDecaySamples, "--train-iters", problems);
      refuse("--lr-warmup-samples", lrWarmupSamples, "--train-iters", problems);
      refuse("--lr-wsd-decay-samples", lrWsdDecaySamples, "--train-iters", problems);
    }
    checkLengths(inSamples, problems);
    weightDecay.check(problems);
  }

  private void checkRates(Problems problems) {
    problems.required("--lr", lr, "a number", "Add it, for example --lr 1e-4.");
    problems.notNegative("--lr", lr, "Write it like 1e-4.");
    problems.notNegative("--min-lr", minLr, "Write it like 1e-5.");
    problems.notNegative("--lr-warmup-init", lrWarmupInit, "Leave it out for 0.");
    atMostRate("--min-lr", minLr, problems);
    atMostRate("--lr-warmup-init", lrWarmupInit, problems);
  }

  private void atMostRate(String flag, double value, Problems problems) {
    if (lr != null && value > lr) {
      String expected = "at most --lr, " + PythonText.of(lr);
      problems.add(flag, PythonText.of(value), expected, "Change one of the two.");
    }
  }

  private static void refuse(
      String flag, @Nullable Number value, String length, Problems problems) {
    if (value != null && value.longValue() != 0) {
      String remedy =
          length.equals("--train-samples")
              ? "Give it in samples: " + flag.replace("iters", "samples") + "."
              : "Give it in iterations: " + flag.replace("samples", "iters") + ".";
      problems.add(flag, value, "not given with " + length, remedy);
    }
  }

  private void checkLengths(boolean inSamples, Problems problems) {
    String unit = inSamples ? "samples" : "iters";
    Number decay = choose(inSamples, lrDecaySamples, lrDecayIters);
    Number warmup = inSamples ? (Number) lrWarmupSamples : (Number) lrWarmupIters;
    problems.positive("--lr-decay-" + unit, decay, "Write 1 or more, or leave it out.");
    problems.notNegative("--lr-warmup-" + unit, warmup, "Leave it out for none.");
    if (lrWarmupFraction != null) {
      checkFraction(lrWarmupFraction, warmup, unit, problems);
    } else if (decay != null && decay.longValue() > 0 && warmup.longValue() >= decay.longValue()) {
      problems.add(
          "--lr-warmup-" + unit,
          warmup,
          "less than the decay's %s %s".formatted(decay, inSamples ? unit : "iterations"),
          "Shorten the warm-up or lengthen the decay.");
    }
    checkWsd(unit, choose(inSamples, lrWsdDecaySamples, lrWsdDecayIters), decay, problems);
  }

  private static @Nullable Number choose(
      boolean inSamples, @Nullable Number samples, @Nullable Number iterations) {
    return inSamples ? samples : iterations;
  }

  private static void checkFraction(
      double fraction, Number warmup, String unit, Problems problems) {
    if (!(fraction >= 0 && fraction < 1)) {
      problems.add(
          "--lr-warmup-fraction",
          PythonText.of(fraction),
          "0 or more, below 1",
          "Write 0.01 for a hundredth of the decay.");
    }
    if (warmup.longValue() != 0) {
      problems.exclusive("--lr-warmup-fraction", fraction, "--lr-warmup-" + unit, warmup);
    }
  }

  private void checkWsd(
      String unit, @Nullable Number wsd, @Nullable Number decay, Problems problems) {
    String flag = "--lr-wsd-decay-" + unit;
    problems.positive(flag, wsd, "Write 1 or more.");
    if (!lrDecayStyle.equals("WSD")) {
      return;
    }
    problems.required(
        flag,
        wsd,
        "an integer, since --lr-decay-style is WSD",
        "Add it: the length of the decay at the end.");
    if (wsd != null && decay != null && wsd.longValue() > decay.longValue()) {
      problems.add(
          flag, wsd, "at most --lr-decay-%s, %s".formatted(unit, decay), "Change one of the two.");
    }
  }

  /** Returns the configuration of checked flags. */
  ScheduleConfig toConfig(TrainOptions train) {
    long batch = requireNonNull(train.globalBatchSize);
    boolean inSamples = train.trainSamples != null;
    double decay =
        inSamples ? requireNonNull(lrDecaySamples) : batch * requireNonNull(lrDecayIters);
    double warmup = inSamples ? lrWarmupSamples : batch * lrWarmupIters;
    long wsdIters = requireNonNullElse(lrWsdDecayIters, 0);
    long total =
        inSamples ? requireNonNull(train.trainSamples) : batch * requireNonNull(train.trainIters);
    return new ScheduleConfig(
        new LearningRate(
            style(lrDecayStyle),
            requireNonNull(lr),
            minLr,
            lrWarmupInit,
            lrWarmupFraction == null ? warmup : lrWarmupFraction * decay,
            decay),
        new FinalDecay(
            style(lrWsdDecayStyle),
            inSamples ? requireNonNullElse(lrWsdDecaySamples, 0L) : batch * wsdIters),
        new WeightDecay(
            style(weightDecay.weightDecayIncrStyle), weightDecay.start(), weightDecay.end(), total),
        decoupled());
  }

  private ScheduleConfig.@Nullable Bounds decoupled() {
    Double max = decoupledLr;
    return max == null
        ? null
        : new ScheduleConfig.Bounds(max, requireNonNullElse(decoupledMinLr, minLr));
  }

  private void checkDecoupled(Problems problems) {
    if (decoupledLr == null && decoupledMinLr != null) {
      problems.add(
          "--decoupled-min-lr",
          PythonText.of(decoupledMinLr),
          "together with --decoupled-lr",
          "Add it, or leave this out.");
    }
    if (decoupledLr != null && requireNonNullElse(decoupledMinLr, minLr) > decoupledLr) {
      problems.add(
          "--decoupled-lr",
          PythonText.of(decoupledLr),
          "at least --decoupled-min-lr, which is --min-lr if it is not given",
          "Change one of the two.");
    }
    problems.notNegative("--decoupled-lr", decoupledLr, "Write 0 or more.");
    problems.notNegative("--decoupled-min-lr", decoupledMinLr, "Write 0 or more.");
  }

  private static DecayStyle style(String word) {
    return DecayStyle.valueOf(word.toUpperCase(Locale.ROOT).replace('-', '_'));
  }
}
