package io.tanuki4j.metrics;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.metrics.IterationMetrics.Losses;
import io.tanuki4j.metrics.IterationMetrics.Memory;
import io.tanuki4j.metrics.IterationMetrics.Norms;
import io.tanuki4j.metrics.IterationMetrics.Skipped;
import io.tanuki4j.metrics.IterationMetrics.Speed;
import io.tanuki4j.metrics.TimerMetrics.Style;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ConsoleSinkTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2025-01-31T12:34:56.789Z"), ZoneOffset.UTC);

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final ConsoleSink sink =
      new ConsoleSink(new ConsoleLog(new PrintStream(bytes, true, UTF_8), warning -> {}), CLOCK);

  @Test
  void the_iteration_line_is_megatrons() {
    sink.iteration(metrics(11.87654, null, 400.2, 0L, null));
    assertThat(printed())
        .isEqualTo(
            " [2025-01-31 12:34:56] iteration        1/   12500 | consumed samples:         1536 |"
                + " elapsed time per iteration (ms): 12345.6 | throughput per GPU (TFLOP/s/GPU):"
                + " 400.2 | learning rate: 1.000000E-07 | global batch size:  1536 | lm loss:"
                + " 1.187654E+01 | loss scale: 1.0 | grad norm: 12.345 | num zeros: 0 | number of"
                + " skipped iterations:   0 | number of nan iterations:   0 |\n");
  }

  @Test
  void optional_fields_are_left_out() {
    sink.iteration(metrics(2.5, null, null, null, null));
    assertThat(printed())
        .doesNotContain("throughput", "z loss", "num zeros", "params norm")
        .contains("(ms): 12345.6 | learning rate:")
        .contains("| grad norm: 12.345 | number of skipped");
  }

  @Test
  void z_loss_and_params_norm_have_their_places() {
    sink.iteration(metrics(2.5, 0.0011976953, null, null, 57.4321));
    assertThat(printed())
        .contains("| lm loss: 2.500000E+00 | z loss: 1.197695E-03 | loss scale: 1.0 |")
        .contains("| grad norm: 12.345 | params norm: 57.432 | number of skipped");
  }

  @Test
  void a_loss_that_is_zero_or_not_a_number_is_left_out() {
    sink.iteration(metrics(0, 0.0, null, null, null));
    sink.iteration(metrics(Double.NaN, Double.NaN, null, null, null));
    assertThat(printed())
        .doesNotContain("lm loss")
        .doesNotContain("z loss")
        .contains("global batch size:  1536 | loss scale: 1.0 |");
  }

  @Test
  void energy_power_and_the_ends_rate_have_their_places_in_the_line() {
    IterationMetrics counted =
        new IterationMetrics(
            new RunPosition(292, 300, 9344, 32, 9.568256e-8, 5e-4),
            new Speed(3075.7, 478.0, 1992.5),
            new Losses(2.4, null, 1),
            new Norms(1.797, null, null),
            new Skipped(0, 0),
            new Memory(0, 0));
    sink.iteration(counted);
    assertThat(printed())
        .contains(
            " throughput per GPU (TFLOP/s/GPU): 478.0 | energy per GPU (J/iter/GPU): 1992.5 |"
                + " power per GPU (W/GPU): 647.8 | learning rate: 9.568256E-08 |"
                + " decoupled learning rate: 5.000000E-04 | global batch size:    32 |");
  }

  @Test
  void the_validation_block_is_megatrons() {
    sink.evaluation(new EvaluationMetrics("iteration 10", "validation", 10, 2.345678));
    String rule = "-".repeat(94);
    assertThat(printed())
        .isEqualTo(
            rule
                + "\n validation loss at iteration 10 | lm loss value: 2.345678E+00 |"
                + " lm loss PPL: 1.044035E+01 | \n"
                + rule
                + "\n");
  }

  @Test
  void perplexity_stops_growing_at_a_loss_of_20() {
    sink.evaluation(new EvaluationMetrics("iteration 1 on test set", "test", 1, 25));
    assertThat(printed()).contains("lm loss PPL: 4.851652E+08 |");
  }

  private String printed() {
    return bytes.toString(UTF_8);
  }

  private static IterationMetrics metrics(
      double loss,
      @Nullable Double zLoss,
      @Nullable Double teraflops,
      @Nullable Long numZeros,
      @Nullable Double paramsNorm) {
    return new IterationMetrics(
        new RunPosition(1, 12500, 1536, 1536, 1e-7, null),
        new Speed(12345.6, teraflops, null),
        new Losses(loss, zLoss, 1),
        new Norms(12.345, numZeros, paramsNorm),
        new Skipped(0, 0),
        new Memory(0, 0));
  }

  @Test
  void timers_are_written_as_megatron_writes_them() {
    TimerMetrics.Timer forward =
        new TimerMetrics.Timer("forward-backward", new double[] {12.344, 15.676});
    TimerMetrics.Timer nothing = new TimerMetrics.Timer("optimizer", new double[] {0, 0});
    List<TimerMetrics.Timer> timers = List.of(forward, nothing);
    assertThat(MegatronLines.timers(new TimerMetrics(Style.MINMAX, timers)))
        .isEqualTo(
            "(min, max) time across ranks (ms):\n"
                + "    forward-backward ...............................: (12.34, 15.68)");
    assertThat(MegatronLines.timers(new TimerMetrics(Style.MAX, timers)))
        .isEqualTo(
            "max time across ranks (ms):\n"
                + "    forward-backward ...............................: 15.68");
    assertThat(MegatronLines.timers(new TimerMetrics(Style.ALL, timers)))
        .isEqualTo(
            "times across ranks (ms):\n"
                + "  forward-backward:\n     rank  0: 12.34\n     rank  1: 15.68");
  }
}
