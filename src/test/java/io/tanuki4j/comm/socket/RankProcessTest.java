package io.tanuki4j.comm.socket;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Ranks that are real processes. */
@Tag("slow")
@Timeout(120)
class RankProcessTest {
  private final List<Process> children = new ArrayList<>();
  private final List<BufferedReader> outputs = new ArrayList<>();

  private void start(int worldSize, int rounds) throws IOException {
    int port = LoopbackRanks.freePort();
    for (int rank = 0; rank < worldSize; rank++) {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
      command.addAll(List.of("-cp", System.getProperty("java.class.path")));
      command.addAll(List.of(ChildRank.class.getName(), "" + rounds));
      ProcessBuilder builder = new ProcessBuilder(command);
      builder
          .environment()
          .putAll(
              Map.of(
                  "RANK", "" + rank,
                  "WORLD_SIZE", "" + worldSize,
                  "MASTER_ADDR", "localhost",
                  "MASTER_PORT", "" + port));
      Process child = builder.redirectErrorStream(true).start();
      children.add(child);
      outputs.add(
          new BufferedReader(
              new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8)));
    }
  }

  @AfterEach
  void end() {
    children.forEach(Process::destroyForcibly);
  }

  @Test
  void processes_get_the_same_sums() throws Exception {
    start(3, 5);
    List<String> hashes = new ArrayList<>();
    for (BufferedReader output : outputs) {
      hashes.add(lineBeginningWith(output, "hash "));
    }
    for (Process child : children) {
      assertThat(child.waitFor()).isZero();
    }
    assertThat(hashes).hasSize(3).allMatch(hashes.get(0)::equals);
  }

  @Test
  void a_process_that_is_killed_ends_the_others_at_once_with_its_name() throws Exception {
    for (int victim : new int[] {2, 0}) {
      children.clear();
      outputs.clear();
      start(3, Integer.MAX_VALUE);
      for (BufferedReader output : outputs) {
        lineBeginningWith(output, "started");
      }
      long start = System.nanoTime();
      children.get(victim).destroyForcibly();
      for (int rank = 0; rank < 3; rank++) {
        if (rank != victim) {
          assertThat(lineBeginningWith(outputs.get(rank), "rank ")).startsWith(sentence(victim));
          assertThat(children.get(rank).waitFor()).isEqualTo(1);
        }
      }
      assertThat(TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - start)).isLessThan(10);
    }
  }

  private static String sentence(int victim) {
    return victim == 0
        ? "rank 0 is gone: "
        : "rank %d on 127.0.0.1 is gone: its connection to rank 0 has closed.".formatted(victim);
  }

  private static String lineBeginningWith(BufferedReader output, String prefix) throws IOException {
    List<String> before = new ArrayList<>();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith(prefix)) {
        return line;
      }
      before.add(line);
    }
    throw new AssertionError("no line begins with \"%s\": %s".formatted(prefix, before));
  }
}
