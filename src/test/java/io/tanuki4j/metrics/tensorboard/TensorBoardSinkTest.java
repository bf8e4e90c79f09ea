package io.tanuki4j.metrics.tensorboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.metrics.sinks.Metrics;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the real TensorBoard reads is compared by tools/reference/read_tensorboard.py. */
class TensorBoardSinkTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochMilli(1_700_000_000_500L), ZoneOffset.UTC);

  @TempDir private Path folder;

  private void run(TensorBoardConfig config, long start, long end) {
    TensorBoardSink sink = new TensorBoardSink(config, "host", CLOCK);
    sink.start(Metrics.run(start));
    Metrics.report(sink, start + 1, end);
    sink.close();
  }

  private TensorBoardConfig config(int interval, boolean all) {
    return new TensorBoardConfig(folder, interval, all, all, all, all, all);
  }

  /** Counts points whose event begins with a step and has a tag. */
  private long points(String tag, int step) throws IOException {
    byte[] name = tag.getBytes(StandardCharsets.UTF_8);
    byte[] wanted = new byte[name.length + 2];
    wanted[0] = 0x0a;
    wanted[1] = (byte) name.length;
    System.arraycopy(name, 0, wanted, 2, name.length);
    String text = new String(wanted, StandardCharsets.ISO_8859_1);
    long count = 0;
    for (String event : events()) {
      boolean hasStep = event.length() > 10 && event.charAt(9) == 0x10 && event.charAt(10) == step;
      count += hasStep && event.contains(text) ? 1 : 0;
    }
    return count;
  }

  private List<String> events() throws IOException {
    List<String> events = new ArrayList<>();
    for (Path file : files()) {
      ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
      while (bytes.hasRemaining()) {
        byte[] event = new byte[(int) bytes.getLong()];
        bytes.getInt();
        bytes.get(event);
        bytes.getInt();
        events.add(new String(event, StandardCharsets.ISO_8859_1));
      }
    }
    return events;
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  /** The bytes are those of TensorFlow's record writer for this event, read back by TensorBoard. */
  @Test
  void a_file_begins_with_its_version() throws IOException {
    run(config(1, false), 0, 0);
    Path file = files().get(0);
    assertThat(file.getFileName().toString())
        .matches("events\\.out\\.tfevents\\.1700000000\\.host\\.\\d+\\.0");
    byte[] bytes = Files.readAllBytes(file);
    assertThat(HexFormat.of().formatHex(bytes, 0, 12)).isEqualTo("1800000000000000a37f4b22");
    assertThat(new String(bytes, 12, 24, StandardCharsets.ISO_8859_1)).endsWith("brain.Event:2");
  }

  @Test
  void curves_have_megatrons_tags_over_iterations_and_over_samples() throws IOException {
    run(config(1, true), 0, 4);
    for (String tag :
        List.of(
            "lm loss",
            "learning-rate",
            "decoupled-learning-rate",
            "batch-size",
            "grad-norm",
            "loss-scale",
            "world-size",
            "params-norm",
            "num-zeros",
            "iteration-time",
            "throughput",
            "mem-reserved-bytes",
            "lm loss validation",
            "lm loss validation ppl")) {
      assertThat(points(tag, 4)).as(tag).isEqualTo(1);
      assertThat(points(tag + " vs samples", 8)).as(tag).isEqualTo(1);
    }
    assertThat(points("lm loss", 1)).isEqualTo(1);
  }

  @Test
  void flags_leave_curves_and_iterations_out() throws IOException {
    run(config(3, false), 0, 6);
    assertThat(points("lm loss", 3) + points("lm loss", 6)).isEqualTo(2);
    assertThat(points("lm loss", 2) + points("lm loss", 4)).isZero();
    assertThat(points("iteration-time", 6) + points("loss-scale", 6)).isZero();
    assertThat(points("lm loss validation ppl", 4)).isZero();
    assertThat(points("lm loss validation", 4)).isEqualTo(1);
  }

  @Test
  void a_resumed_run_takes_back_the_points_after_its_checkpoint() throws IOException {
    run(config(1, true), 0, 6);
    Files.write(files().get(0), new byte[] {9, 9, 9}, StandardOpenOption.APPEND); // As by kill -9.
    run(config(1, true), 3, 6);
    for (int iteration = 1; iteration <= 6; iteration++) {
      assertThat(points("lm loss", iteration)).as("iteration %d", iteration).isEqualTo(1);
      assertThat(points("lm loss vs samples", 2 * iteration)).isEqualTo(1);
    }
    assertThat(files()).hasSize(2);
  }

  @Test
  void arguments_are_texts() throws IOException {
    run(config(1, false), 0, 0);
    assertThat(String.join("", events()))
        .contains("lr/text_summary", "0.5", "name/text_summary", "text");
  }
}
