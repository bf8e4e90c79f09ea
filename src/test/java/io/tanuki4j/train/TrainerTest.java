package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.error.UserException;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import io.tanuki4j.train.TrainConfig.Rampup;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TrainerTest {
  private static final String TIME = " datetime: 2025-01-31 12:34:56 ";

  private final TinyRun.Settings settings = new TinyRun.Settings();

  @TempDir Path folder;

  @Test
  void an_iteration_ends_with_log_save_evaluation_in_this_order() {
    settings.iterations = 2;
    settings.evalInterval = 2;
    settings.save = folder;
    settings.saveInterval = 2;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events)
          .containsExactly(
              "training ...",
              "[before the start of training step]" + TIME,
              "log 1",
              "[Rank 0] (after 1 iterations) memory (MB) | allocated: 128.0 | max allocated: 128.0"
                  + " | reserved: 128.0 | max reserved: 128.0",
              "log 2",
              "saving checkpoint at iteration       2 to " + folder + " in tanuki4j format",
              "  successfully saved checkpoint from iteration       2 to "
                  + folder
                  + " [ t 1/1, p 1/1 ]",
              "evaluation at iteration 2",
              "[after training is done]" + TIME,
              "Evaluating on 2 samples",
              "Evaluating iter 1/1",
              "evaluation at iteration 2 on validation set",
              "Evaluating on 2 samples",
              "Evaluating iter 1/1",
              "evaluation at iteration 2 on test set");
    }
  }

  @Test
  void an_async_save_is_published_while_the_run_goes_on() {
    settings.iterations = 40;
    settings.logInterval = 100;
    settings.save = folder;
    settings.saveInterval = 10;
    settings.asyncSave = true;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events)
          .containsSubsequence(
              "saving checkpoint at iteration      10 to " + folder + " in tanuki4j format",
              "  scheduled an async checkpoint save at iteration      10 to " + folder,
              success(10),
              "saving checkpoint at iteration      20 to " + folder + " in tanuki4j format",
              success(20),
              success(40),
              "Evaluating on 2 samples");
    }
    settings.load = folder;
    settings.iterations = 41;
    settings.exitInterval = 1;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run().iteration()).isEqualTo(40);
    }
  }

  @Test
  void an_async_save_with_little_memory_says_so_and_is_the_same() throws IOException {
    settings.iterations = 2;
    settings.save = folder.resolve("sync");
    settings.saveInterval = 1;
    metrics();
    settings.save = folder.resolve("async");
    settings.asyncSave = true;
    settings.stageBytes = 0;
    metrics();
    for (String file : List.of("model", "optimizer")) {
      String name = "iter_0000002/%s-rank00000.safetensors".formatted(file);
      assertThat(folder.resolve("async").resolve(name))
          .hasSameBinaryContentAs(folder.resolve("sync").resolve(name));
    }
  }

  @Test
  void an_async_save_that_fails_is_told_and_the_next_one_ends_the_run() throws IOException {
    settings.exitInterval = 2;
    settings.save = folder;
    settings.saveInterval = 2;
    settings.asyncSave = true;
    metrics();
    settings.load = folder;
    settings.exitInterval = null;
    Path inTheWay = folder.resolve("latest_checkpointed_iteration.txt.writing");
    Files.createDirectory(inTheWay);
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .isInstanceOf(UserException.class)
          .hasMessageStartingWith("--save: iteration 6 could not be saved to " + folder);
      assertThat(run.sink.events)
          .anyMatch(event -> event.startsWith("WARNING: " + folder + ": saving iteration 4 failed"))
          .anyMatch(
              event -> event.startsWith("WARNING: " + folder + ": saving iteration 6 failed"));
    }
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run().iteration()).isEqualTo(2);
    }
  }

  private String success(int iteration) {
    return "  successfully saved checkpoint from iteration %7d to %s [ t 1/1, p 1/1 ]"
        .formatted(iteration, folder);
  }

  @Test
  void the_logged_rate_is_that_of_the_next_iteration() {
    settings.iterations = 3;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.iterations.stream().map(line -> line.position().learningRate()))
          .startsWith(0.005, 0.01);
      assertThat(run.sink.iterations.stream().map(line -> line.position().consumedSamples()))
          .containsExactly(2L, 4L, 6L);
    }
  }

  @Test
  void the_first_iteration_after_a_warm_up_start_changes_no_weight() {
    settings.iterations = 1;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.weights()).containsOnly(1);
    }
  }

  @Test
  void a_log_interval_has_mean_losses_and_the_last_norm() {
    settings.iterations = 7;
    List<IterationMetrics> single = metrics();
    settings.logInterval = 3;
    List<IterationMetrics> grouped = metrics();
    assertThat(grouped.stream().map(line -> line.position().iteration()))
        .containsExactly(3L, 6L, 7L);
    double mean = single.subList(3, 6).stream().mapToDouble(line -> line.losses().lm()).sum() / 3;
    assertThat(grouped.get(1).losses().lm()).isEqualTo(mean, within(1e-12));
    assertThat(grouped.get(1).norms().grad()).isEqualTo(single.get(5).norms().grad());
    assertThat(grouped.get(1).position().learningRate())
        .isEqualTo(single.get(5).position().learningRate());
  }

  @Test
  void the_iteration_at_which_a_run_exits_is_logged() {
    settings.iterations = 7;
    settings.logInterval = 3;
    settings.exitInterval = 5;
    assertThat(metrics().stream().map(line -> line.position().iteration())).containsExactly(3L, 5L);
  }

  @Test
  void more_iterations_than_the_ring_holds_lose_no_result() {
    settings.iterations = ResultRing.CAPACITY + 4;
    settings.logInterval = settings.iterations;
    settings.rate = 0;
    List<IterationMetrics> grouped = metrics();
    settings.logInterval = 1;
    double sum = metrics().stream().mapToDouble(line -> line.losses().lm()).sum();
    assertThat(grouped.get(0).losses().lm()).isEqualTo(sum / settings.iterations, within(1e-9));
  }

  /** Reading the clock takes a millisecond; evaluations and saves read it many times. */
  @Test
  void evaluations_and_saves_are_not_timed() {
    settings.iterations = 4;
    settings.logInterval = 2;
    settings.exitMinutes = 100.0;
    double plain = metrics().get(1).speed().millisPerIteration();
    settings.evalInterval = 3;
    settings.evalIterations = 50;
    settings.save = folder;
    settings.saveInterval = 3;
    // Pausing twice reads the clock four times; the two reads that end a pause count half each.
    assertThat(metrics().get(1).speed().millisPerIteration()).isBetween(plain, plain + 2);
  }

  @Test
  void throughput_norm_and_zeros_are_logged_when_asked() {
    settings.iterations = 1;
    settings.logAll = true;
    IterationMetrics metrics = metrics().get(0);
    double seconds = metrics.speed().millisPerIteration() / 1e3;
    assertThat(metrics.speed().teraflopsPerDevice())
        .isEqualTo(3e9 * 2 / seconds / 1e12, within(1e-12));
    assertThat(metrics.norms().params()).isEqualTo(2, within(1e-6));
    // Samples 0 and 1: tokens 0 (error 1), 1 (−1), 1 (0), 2 (−1). Token 3 has no gradient.
    assertThat(metrics.norms().gradZeros()).isEqualTo(1);
    assertThat(metrics.losses().z()).isEqualTo(1, within(1e-12));
  }

  @Test
  void the_energy_of_an_interval_is_logged_per_iteration_when_asked() {
    double[] joules = {0};
    settings.iterations = 4;
    settings.logInterval = 2;
    settings.joules = () -> joules[0] += 30;
    assertThat(metrics().get(0).speed().joulesPerDevice()).isNull();
    settings.logAll = true;
    // The counter is read where an interval begins and ends, and 30 J pass in between.
    assertThat(metrics().get(1).speed().joulesPerDevice()).isEqualTo(30.0 / 2);
  }

  @Test
  void without_clipping_the_logged_norm_is_zero() {
    settings.iterations = 1;
    settings.clip = 0;
    assertThat(metrics().get(0).norms().grad()).isZero();
  }

  @Test
  void a_weight_that_is_not_a_number_ends_the_run_with_a_sentence() {
    settings.logInterval = 5;
    settings.clip = 0;
    try (TinyRun run = new TinyRun(settings)) {
      run.device.kernels().elementwise().fill(run.parameters.values(), Double.NaN);
      assertThatThrownBy(run::run)
          .isInstanceOf(DivergedException.class)
          .hasMessageStartingWith("iteration 1: the lm loss is nan (expected: a finite number).");
      assertThat(run.sink.iterations).isEmpty();
    }
  }

  @Test
  void nothing_is_saved_after_an_iteration_that_is_not_finite() {
    settings.logInterval = 100;
    settings.save = folder;
    settings.saveInterval = 2;
    try (TinyRun run = new TinyRun(settings)) {
      run.device.kernels().elementwise().fill(run.parameters.values(), Double.NaN);
      assertThatThrownBy(run::run).isInstanceOf(DivergedException.class);
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void without_the_check_such_iterations_are_counted_and_left_out() {
    settings.iterations = 4;
    settings.logInterval = 2;
    settings.checkForNan = false;
    try (TinyRun run = new TinyRun(settings)) {
      run.device.kernels().elementwise().fill(run.parameters.values(), Double.POSITIVE_INFINITY);
      run.run();
      IterationMetrics metrics = run.sink.iterations.get(0);
      assertThat(metrics.skipped().iterations()).isEqualTo(2);
      assertThat(metrics.skipped().nanIterations()).isEqualTo(2);
      assertThat(metrics.losses().lm()).isZero();
    }
  }

  @Test
  void the_exit_interval_saves_and_leaves_the_last_evaluations_out() {
    settings.exitInterval = 5;
    settings.save = folder;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events)
          .endsWith("[exiting program at iteration 5]" + TIME)
          .anyMatch(event -> event.startsWith("saving checkpoint at iteration       5 to"));
      assertThat(run.sink.evaluations).isEmpty();
    }
    assertThat(folder.resolve("iter_0000005")).exists();
  }

  @Test
  void a_signal_lets_the_iteration_finish_and_saves() {
    settings.save = folder;
    try (TinyRun run = new TinyRun(settings)) {
      run.stop.request("SIGTERM");
      run.run();
      assertThat(run.sink.events)
          .contains("log 1")
          .endsWith("[exiting program after receiving SIGTERM.]" + TIME);
    }
    assertThat(folder.resolve("iter_0000001")).exists();
  }

  @Test
  void a_signal_breaks_an_evaluation_off() {
    settings.evalInterval = 1;
    try (TinyRun run = new TinyRun(settings)) {
      run.stop.request("SIGINT");
      run.run();
      assertThat(run.sink.events).contains("Exiting during evaluation, received SIGINT");
      assertThat(run.sink.evaluations).isEmpty();
    }
  }

  @Test
  void the_time_limit_ends_the_run() {
    settings.exitMinutes = 0.0005;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.iterations).hasSizeLessThan(12);
      String last = run.sink.events.get(run.sink.events.size() - 1);
      assertThat(last).matches("\\[exiting program after 0\\.0005\\d* minutes]" + TIME);
    }
  }

  @Test
  void a_growing_batch_saves_before_it_grows() {
    settings.iterations = 4;
    settings.rampup = new Rampup(1, 1, 2);
    settings.save = folder;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events)
          .contains("setting initial batch size to 1")
          .containsSubsequence(
              "log 2",
              "ramping up batch size from 1 to 2",
              "saving checkpoint at iteration       2 to " + folder + " in tanuki4j format",
              "log 3");
      assertThat(run.sink.iterations.stream().map(line -> line.position().globalBatchSize()))
          .containsExactly(1, 1, 2, 2);
      assertThat(run.sink.iterations.get(3).position().consumedSamples()).isEqualTo(6);
    }
  }

  @Test
  void skipping_training_evaluates_only() {
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events).startsWith("skipping training (--skip-train is on) ...");
      assertThat(run.sink.evaluations.stream().map(EvaluationMetrics::where))
          .containsExactly("iteration 0 on validation set", "iteration 0 on test set");
      assertThat(run.sink.iterations).isEmpty();
    }
  }

  @Test
  void zero_evaluation_iterations_mean_no_evaluation() {
    settings.evalIterations = 0;
    settings.evalInterval = 1;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.evaluations).isEmpty();
    }
  }

  @Test
  void evaluations_go_on_in_their_data() {
    settings.iterations = 4;
    settings.evalInterval = 2;
    settings.rate = 0;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      // Samples 0 and 1, then 2 and 3.
      assertThat(run.sink.evaluations.stream().map(EvaluationMetrics::lmLoss))
          .startsWith(3 / 8.0, 7 / 8.0);
    }
  }

  @Test
  void training_data_that_cannot_last_are_told_before_the_first_iteration() {
    settings.trainSamples = 7;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .isInstanceOf(UserException.class)
          .hasMessage(
              "training data: 7 samples of 7 are left (expected: 24, for 12 iterations to come). Add"
                  + " data, give each dataset a weight so that it repeats, or lower --train-iters.");
      assertThat(run.sink.iterations).isEmpty();
    }
    settings.exitInterval = 3;
    assertThat(metrics()).hasSize(3);
  }

  @Test
  void validation_data_that_cannot_last_are_told_before_the_first_iteration() {
    settings.evalInterval = 3;
    settings.evalIterations = 2;
    settings.validSamples = 19;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .isInstanceOf(UserException.class)
          .hasMessage(
              "validation data: 19 samples of 19 are left (expected: 20, for 5 evaluations to come)."
                  + " Give --eval-iters 1 or less, a higher --eval-interval, or more data.");
      assertThat(run.sink.iterations).isEmpty();
    }
    settings.validSamples = 20;
    assertThat(metrics()).hasSize(12);
  }

  /** A save at its interval, at the exit interval, and after the last iteration. */
  @ParameterizedTest
  @CsvSource({"2, 100, 12, 2", "100, 4, 12, 4", "100, 100, 6, 6"})
  void an_evaluation_that_fails_costs_no_save(
      int saveInterval, int exitInterval, int iterations, int saved) {
    settings.iterations = iterations;
    settings.saveInterval = saveInterval;
    settings.exitInterval = exitInterval;
    settings.evalInterval = saved;
    settings.save = folder;
    settings.brokenValidSample = 0;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run).hasMessage("sample 0 cannot be read");
    }
    settings.brokenValidSample = -1;
    settings.load = folder;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(new Progress(saved, 2L * saved, 2));
    }
  }

  private List<IterationMetrics> metrics() {
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      return run.sink.iterations;
    }
  }
}
