package io.tanuki4j.metrics.sinks;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ProgressSinkTest {
  private final List<String> lines = new ArrayList<>();

  private void report(@Nullable Double peak) {
    ProgressSink sink = new ProgressSink(lines::add);
    sink.start(Metrics.run(0, peak));
    Metrics.report(sink, 3, 4);
  }

  @Test
  void a_line_says_how_far_and_how_fast_the_run_is() {
    report(null);
    assertThat(lines)
        .containsExactly(
            " progress: 66.7 % | 32.0 tokens/s | 64.0 tokens so far | 1 s to go"
                + " | 4.00 TFLOP/s a device (25.0 % of the measured rate) | 0.0 GiB");
  }

  @Test
  void a_known_peak_gives_the_share_of_it() {
    report(8.0);
    assertThat(lines.get(0)).contains("4.00 TFLOP/s a device (MFU 50.0 %)");
  }

  /** What scripts look for in Megatron's lines: its words, and numbers behind them. */
  @Test
  void no_parser_takes_it_for_a_line_of_megatrons() {
    report(8.0);
    assertThat(lines.get(0))
        .doesNotContainPattern("iteration|elapsed|lm loss|throughput|consumed|learning rate|norm")
        .startsWith(" progress: ");
  }

  @Test
  void numbers_and_times_are_short() {
    assertThat(ProgressSink.count(950)).isEqualTo("950");
    assertThat(ProgressSink.count(12_345)).isEqualTo("12.3 k");
    assertThat(ProgressSink.count(4_560_000_000_000.0)).isEqualTo("4.56 T");
    assertThat(ProgressSink.duration(Duration.ofSeconds(45))).isEqualTo("45 s");
    assertThat(ProgressSink.duration(Duration.ofSeconds(725))).isEqualTo("12 min 5 s");
    assertThat(ProgressSink.duration(Duration.ofMinutes(200))).isEqualTo("3 h 20 min");
    assertThat(ProgressSink.duration(Duration.ofHours(127))).isEqualTo("5 d 7 h");
  }
}
