package io.tanuki4j.metrics.wandb;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.metrics.sinks.Metrics;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What W&B's own reader finds is compared by tools/reference/read_wandb.py. */
class WandbSinkTest {
  private static final int BLOCK = 1 << 15;
  private static final int HEADER = 7;

  @TempDir private Path folder;

  private final List<String> log = new ArrayList<>();

  private void run(Map<String, String> variables, @Nullable Path metrics, long start, long second) {
    Clock clock = Clock.fixed(Instant.ofEpochSecond(1_700_000_000 + second), ZoneOffset.UTC);
    WandbConfig config = new WandbConfig("llama", "try", null, null, folder, metrics);
    WandbSink sink =
        new WandbSink(
            config, WandbEnvironment.of(variables, "host"), WandbTarget.none(), clock, log::add);
    sink.start(Metrics.run(start));
    Metrics.report(sink, start + 1, 6);
    sink.close();
  }

  private List<Path> runs() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("wandb"))) {
      return files.filter(Files::isDirectory).sorted().toList();
    }
  }

  private static Path file(Path run) throws IOException {
    try (Stream<Path> files = Files.list(run)) {
      return files.filter(path -> path.toString().endsWith(".wandb")).findFirst().orElseThrow();
    }
  }

  /** Reads records as LevelDB's format says, with all checks. */
  private static List<String> records(Path file) throws IOException {
    ByteBuffer in = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    byte[] header = new byte[HEADER];
    in.get(header);
    assertThat(header).containsExactly(':', 'W', '&', 'B', 0xe1, 0xbe, 0);
    List<String> records = new ArrayList<>();
    ByteArrayOutputStream record = new ByteArrayOutputStream();
    while (in.hasRemaining()) {
      int left = BLOCK - in.position() % BLOCK;
      if (left < HEADER) {
        in.position(in.position() + left);
      }
      int checksum = in.getInt();
      byte[] chunk = new byte[Short.toUnsignedInt(in.getShort())];
      byte type = in.get();
      in.get(chunk);
      CRC32 crc = new CRC32();
      crc.update(type);
      crc.update(chunk);
      assertThat(checksum).isEqualTo((int) crc.getValue());
      assertThat(type == 1 || type == 2).isEqualTo(record.size() == 0);
      record.writeBytes(chunk);
      if (type == 1 || type == 4) {
        records.add(record.toString(StandardCharsets.ISO_8859_1));
        record.reset();
      }
    }
    assertThat(record.size()).isZero();
    return records;
  }

  @Test
  void a_run_is_a_file_of_header_run_history_summary_exit_and_footer() throws IOException {
    run(Map.of("WANDB_RUN_ID", "abc123", "WANDB_TAGS", "a, b", "WANDB_NOTES", "n"), null, 0, 0);
    Path run = runs().get(0);
    assertThat(run.getFileName()).hasToString("offline-run-20231114_221320-abc123");
    assertThat(run.resolve("files")).isDirectory();
    List<String> records = records(run.resolve("run-abc123.wandb"));
    assertThat(records.get(1)).contains("abc123", "llama", "try", "lr", "0.5", "host");
    assertThat(records.stream().filter(record -> record.contains("_step")))
        .hasSize(7); // 6 iterations and the summary
    assertThat(log)
        .containsExactly(
            "Weights & Biases: run abc123 of project llama. Send it with: wandb sync " + run);
  }

  @Test
  void records_longer_than_a_block_are_in_parts() throws IOException {
    Path file = folder.resolve("x.wandb");
    try (RecordFile records = new RecordFile(file)) {
      for (int size = BLOCK - 60; size < BLOCK + 40; size++) {
        records.append(Records.OUTPUT, Records.output(Instant.EPOCH, "x".repeat(size)));
      }
      records.append(Records.OUTPUT, Records.output(Instant.EPOCH, "y".repeat(5 * BLOCK)));
    }
    List<String> records = records(file);
    assertThat(records).hasSize(101);
    assertThat(records.get(100)).contains("y".repeat(5 * BLOCK));
    assertThat(records.get(0)).contains("x".repeat(BLOCK - 60)).doesNotContain("x".repeat(BLOCK));
  }

  @Test
  void a_resumed_run_keeps_its_identity_and_its_newest_folder_is_whole() throws IOException {
    run(Map.of(), null, 0, 0);
    Path metrics = folder.resolve("metrics.jsonl");
    Files.writeString(
        metrics,
        "{\"iteration\":1,\"lm loss\":1,\"optimizer by rank (ms)\":[1]}\n{\"iteration\":2,\"lm loss\":null}\n"
            + "{\"iteration\":3,\"lm loss\":9}\n{\"iteration\":4,\"lm l");
    run(Map.of(), metrics, 2, 60);
    List<Path> runs = runs();
    assertThat(runs).hasSize(2);
    assertThat(file(runs.get(1)).getFileName()).isEqualTo(file(runs.get(0)).getFileName());
    List<String> records = records(file(runs.get(1)));
    assertThat(records.stream().filter(record -> record.contains("_step"))).hasSize(7);
    assertThat(records.get(3)).contains("lm loss", "NaN");
  }

  @Test
  void a_new_run_in_the_same_folder_gets_an_identity_of_its_own() throws IOException {
    run(Map.of(), null, 0, 0);
    run(Map.of(), null, 0, 60);
    List<Path> runs = runs();
    assertThat(file(runs.get(1)).getFileName()).isNotEqualTo(file(runs.get(0)).getFileName());
  }
}
