package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.tanuki4j.run.TinyLlama.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Traces of real runs, on the CPU. */
class ProfileTest {
  private static final String PROFILE =
      "--train-iters 5 --eval-iters 0 --profile --profile-step-start 1 --profile-step-end 3";

  @TempDir Path folder;

  private Output run(String... more) {
    return TinyLlama.run(TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), more));
  }

  private List<String> files() throws IOException {
    try (Stream<Path> files = Files.list(folder.resolve("traces"))) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private List<String> names(String file) throws IOException {
    String text = Files.readString(folder.resolve("traces").resolve(file));
    JsonObject trace = new Gson().fromJson(text, JsonObject.class);
    return StreamSupport.stream(trace.getAsJsonArray("traceEvents").spliterator(), false)
        .map(event -> event.getAsJsonObject().get("name").getAsString())
        .toList();
  }

  @Test
  void each_chosen_rank_writes_its_iterations_and_the_losses_stay() throws IOException {
    String layout =
        "--distributed-backend local --tensor-model-parallel-size 2 --pipeline-model-parallel-size"
            + " 2";
    Output plain = run(layout, "--train-iters 5 --eval-iters 0");
    Output traced =
        run(layout, PROFILE, "--profile-ranks 0 3 --profile-dir " + folder.resolve("traces"));
    assertThat(traced.iterations()).isEqualTo(plain.iterations());
    assertThat(files())
        .containsExactly(
            "trace-rank0-iterations-2-to-3.json", "trace-rank3-iterations-2-to-3.json");
    assertThat(traced.text()).contains("trace-rank0-iterations-2-to-3.json, for ui.perfetto.dev");
    assertThat(names("trace-rank3-iterations-2-to-3.json"))
        .contains("iteration 2", "iteration 3", "forward-backward", "optimizer", "matmul")
        .contains("wait for tp", "wait for pp")
        .doesNotContain("iteration 1", "iteration 4");
  }

  @Test
  void a_run_that_ends_earlier_writes_what_it_has() throws IOException {
    run("--backend cpu", PROFILE, "--train-iters 2 --profile-dir " + folder.resolve("traces"));
    assertThat(files()).containsExactly("trace-rank0-iterations-2-to-2.json");
  }

  @Test
  void a_trace_that_cannot_be_written_is_a_warning() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    Output output = run("--backend cpu", PROFILE, "--profile-dir " + file);
    assertThat(output.iterations()).hasSize(5);
    assertThat(output.text()).containsOnlyOnce("WARNING: profile: ").contains("cannot be written");
  }

  @Test
  void a_run_that_resumes_after_the_first_step_says_that_nothing_is_profiled() {
    String saved = "--save " + folder.resolve("saved");
    run("--backend cpu --train-iters 5 --eval-iters 0 --exit-interval 3", saved);
    Output output = run("--backend cpu", PROFILE, saved, "--load " + folder.resolve("saved"));
    assertThat(output.text()).containsOnlyOnce("--profile-step-start 1: the run begins after it");
  }
}
