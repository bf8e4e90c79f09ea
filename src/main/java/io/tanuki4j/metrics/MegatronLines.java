package io.tanuki4j.metrics;

import static io.tanuki4j.metrics.PythonFormat.fixed;
import static io.tanuki4j.metrics.PythonFormat.scientific;

import io.tanuki4j.metrics.TimerMetrics.Style;
import io.tanuki4j.metrics.TimerMetrics.Timer;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The lines that Megatron-LM (core 0.12) prints during training, character by character, so that
 * scripts that read its logs read ours.
 */
public final class MegatronLines {
  private static final DateTimeFormatter DATE_TIME =
      DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss", Locale.ROOT);

  private static final int TIMER_WIDTH = 48;
  private static final int FP8_WIDTH = 28;

  private MegatronLines() {}

  /**
   * Returns the line of a log interval. A loss is left out unless it is above 0; NaN is left out,
   * too.
   */
  public static String iteration(IterationMetrics metrics, LocalDateTime now) {
    StringBuilder line = new StringBuilder();
    line.append(" [").append(DATE_TIME.format(now)).append(']');
    field(
        line,
        "iteration %8d/%8d",
        metrics.position().iteration(),
        metrics.position().trainIterations());
    field(line, "consumed samples: %12d", metrics.position().consumedSamples());
    text(line, "elapsed time per iteration (ms): ", fixed(metrics.speed().millisPerIteration(), 1));
    number(line, "throughput per GPU (TFLOP/s/GPU): ", metrics.speed().teraflopsPerDevice(), 1);
    number(line, "energy per GPU (J/iter/GPU): ", metrics.speed().joulesPerDevice(), 1);
    number(line, "power per GPU (W/GPU): ", metrics.speed().wattsPerDevice(), 1);
    text(line, "learning rate: ", scientific(metrics.position().learningRate(), 6));
    if (metrics.position().decoupledLearningRate() != null) {
      text(
          line,
          "decoupled learning rate: ",
          scientific(metrics.position().decoupledLearningRate(), 6));
    }
    field(line, "global batch size: %5d", metrics.position().globalBatchSize());
    loss(line, "lm loss: ", metrics.losses().lm());
    loss(line, "z loss: ", metrics.losses().z());
    text(line, "loss scale: ", fixed(metrics.losses().scale(), 1));
    number(line, "grad norm: ", metrics.norms().grad(), 3);
    if (metrics.norms().gradZeros() != null) {
      text(line, "num zeros: ", Long.toString(metrics.norms().gradZeros()));
    }
    number(line, "params norm: ", metrics.norms().params(), 3);
    field(line, "number of skipped iterations: %3d", metrics.skipped().iterations());
    field(line, "number of nan iterations: %3d", metrics.skipped().nanIterations());
    return line.toString();
  }

  /** Returns the line of an evaluation between its two rules, without a final line break. */
  public static String evaluation(EvaluationMetrics metrics) {
    String line =
        " validation loss at %s | lm loss value: %s | lm loss PPL: %s | "
            .formatted(
                metrics.where(),
                scientific(metrics.lmLoss(), 6),
                scientific(metrics.perplexity(), 6));
    String rule = "-".repeat(line.length() + 1);
    return String.join("\n", rule, line, rule);
  }

  /** Returns the lines of the timers that took any time, without a final line break. */
  public static String timers(TimerMetrics metrics) {
    StringBuilder lines =
        new StringBuilder(
            switch (metrics.style()) {
              case MINMAX -> "(min, max) time across ranks (ms):";
              case MAX -> "max time across ranks (ms):";
              case ALL -> "times across ranks (ms):";
              case HIDDEN -> throw new IllegalArgumentException("these times have no lines");
            });
    metrics.timers().stream()
        .filter(timer -> timer.max() > 0 && !timer.name().equals(TimerMetrics.INTERVAL))
        .forEach(timer -> timer(lines, metrics.style(), timer));
    return lines.toString();
  }

  /** Returns a table of our own, a line for each kind of tensor, without a final line break. */
  public static String fp8(Fp8Metrics metrics) {
    StringBuilder lines = new StringBuilder("fp8 tensors (share clipped, share of zeros, scale):");
    for (Fp8Metrics.Kind kind : metrics.kinds()) {
      String name = kind.name() + " ";
      lines.append("\n    ").append(name).append(".".repeat(FP8_WIDTH - name.length()));
      lines.append(
          String.format(
              Locale.ROOT, ": (%.2E, %.2E, %.4G)", kind.clipped(), kind.zeros(), kind.scale()));
    }
    return lines.toString();
  }

  private static void timer(StringBuilder lines, Style style, Timer timer) {
    if (style == Style.ALL) {
      lines.append("\n  ").append(timer.name()).append(':');
      for (int rank = 0; rank < timer.millis().length; rank++) {
        String millis = fixed(timer.millis()[rank], 2);
        lines.append(String.format(Locale.ROOT, "\n     rank %2d: %s", rank, millis));
      }
      return;
    }
    String name = timer.name() + " ";
    lines
        .append("\n    ")
        .append(name)
        .append(".".repeat(Math.max(0, TIMER_WIDTH - name.length())));
    String max = fixed(timer.max(), 2);
    lines.append(
        style == Style.MAX ? ": " + max : ": (%s, %s)".formatted(fixed(timer.min(), 2), max));
  }

  /**
   * Returns {@code [after dataloaders are built] datetime: 2025-01-31 12:34:56 }, with the final
   * space.
   */
  public static String dateTime(String what, LocalDateTime now) {
    return "[" + what + "] datetime: " + DATE_TIME.format(now) + " ";
  }

  private static void loss(StringBuilder line, String label, @Nullable Double value) {
    if (value != null && value > 0) {
      text(line, label, scientific(value, 6));
    }
  }

  private static void number(
      StringBuilder line, String label, @Nullable Double value, int decimals) {
    if (value != null) {
      text(line, label, fixed(value, decimals));
    }
  }

  private static void field(StringBuilder line, String format, Object... values) {
    text(line, "", String.format(Locale.ROOT, format, values));
  }

  private static void text(StringBuilder line, String label, String value) {
    line.append(' ').append(label).append(value).append(" |");
  }
}
