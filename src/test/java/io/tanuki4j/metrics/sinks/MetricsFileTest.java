package io.tanuki4j.metrics.sinks;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.tanuki4j.metrics.RunPosition;
import io.tanuki4j.metrics.TimerMetrics;
import io.tanuki4j.metrics.UpdateMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MetricsFileTest {
  @TempDir private Path folder;

  private void run(long start, long end) {
    MetricsFile file = new MetricsFile(folder);
    file.start(Metrics.run(start));
    Metrics.report(file, start + 1, end);
    file.close();
  }

  private List<JsonObject> rows(String name) throws IOException {
    return Files.readAllLines(folder.resolve(name)).stream()
        .map(line -> new Gson().fromJson(line, JsonObject.class))
        .toList();
  }

  @Test
  void each_iteration_is_an_object_with_all_that_is_known_of_it() throws IOException {
    run(0, 5);
    List<JsonObject> rows = rows("metrics.jsonl");
    assertThat(rows)
        .extracting(row -> row.get("iteration").getAsInt())
        .containsExactly(1, 2, 3, 4, 5);
    assertThat(rows.get(2).get("lm loss").getAsDouble()).isEqualTo(1.0 / 3);
    assertThat(rows.get(2).has("throughput")).isFalse();
    assertThat(rows.get(3).get("consumed-tokens").getAsLong()).isEqualTo(64);
    assertThat(rows.get(3).get("tokens-per-second").getAsDouble()).isEqualTo(2 * 8 / 0.5);
    assertThat(rows.get(3).get("throughput").getAsDouble()).isEqualTo(4);
    assertThat(rows.get(3).get("lm loss validation").getAsDouble()).isEqualTo(0.125);
    assertThat(rows.get(3).get("iter-energy/gpu").getAsDouble()).isEqualTo(100);
    assertThat(rows.get(3).get("power/gpu").getAsDouble()).isEqualTo(100 / 0.5);
    assertThat(rows.get(3).get("joules-per-token").getAsDouble()).isEqualTo(100.0 / (2 * 8));
    assertThat(rows.get(3).get("params-norm").getAsDouble()).isEqualTo(3.5);
  }

  @Test
  void a_resumed_run_replaces_what_came_after_its_checkpoint() throws IOException {
    run(0, 5);
    Path file = folder.resolve("metrics.jsonl");
    Files.writeString(file, Files.readString(file) + "{\"iteration\":6,\"lm lo"); // As by kill -9.
    run(3, 6);
    assertThat(rows("metrics.jsonl"))
        .extracting(row -> row.get("iteration").getAsInt())
        .containsExactly(1, 2, 3, 4, 5, 6);
  }

  @Test
  void a_run_from_the_start_leaves_the_file_of_an_earlier_one() throws IOException {
    run(0, 2);
    run(0, 3);
    run(0, 4);
    assertThat(rows("metrics.1.jsonl")).hasSize(2);
    assertThat(rows("metrics.2.jsonl")).hasSize(3);
    assertThat(rows("metrics.jsonl")).hasSize(4);
  }

  @Test
  void what_is_not_finite_is_null() throws IOException {
    MetricsFile file = new MetricsFile(folder);
    file.start(Metrics.run(0));
    file.update(
        new UpdateMetrics(
            new RunPosition(1, 6, 2, 2, 0, null), Double.NaN, null, Double.POSITIVE_INFINITY));
    file.close();
    assertThat(Files.readString(folder.resolve("metrics.jsonl")))
        .contains("\"lm loss\":null", "\"grad-norm\":null", "\"learning-rate\":0,");
  }

  @Test
  void times_of_ranks_are_arrays_in_the_row_of_their_iteration() throws IOException {
    MetricsFile file = new MetricsFile(folder);
    file.start(Metrics.run(0));
    Metrics.report(file, 1, 2);
    TimerMetrics.Timer timer = new TimerMetrics.Timer("optimizer", new double[] {1.5, 2});
    file.timers(new TimerMetrics(TimerMetrics.Style.HIDDEN, List.of(timer)));
    Metrics.report(file, 3, 3);
    file.close();
    assertThat(rows("metrics.jsonl").get(1).get("optimizer by rank (ms)").toString())
        .isEqualTo("[1.5,2.0]");
    assertThat(rows("metrics.jsonl").get(2).has("optimizer by rank (ms)")).isFalse();
    assertThat(Files.readString(folder.resolve("run.json"))).contains("\"trainIterations\":6");
  }
}
