package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.IterationMetrics;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Stopping and going on, by Megatron's rules about what comes from the checkpoint. */
class RestoreTest {
  private final TinyRun.Settings settings = new TinyRun.Settings();

  @TempDir Path folder;

  @Test
  void six_iterations_and_six_more_equal_twelve() {
    settings.evalInterval = 3;
    List<IterationMetrics> unbroken;
    List<EvaluationMetrics> evaluations;
    double[] weights;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      unbroken = run.sink.iterations;
      evaluations = run.sink.evaluations;
      weights = run.weights();
    }
    stopAtSix();
    settings.exitInterval = null;
    settings.load = folder;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(new Progress(6, 12, 4));
      assertThat(run.weights()).isEqualTo(weights);
      assertThat(numbers(run.sink.iterations)).isEqualTo(numbers(unbroken.subList(6, 12)));
      assertThat(run.sink.evaluations).isEqualTo(evaluations.subList(2, evaluations.size()));
    }
  }

  @Test
  void consumed_validation_samples_come_from_the_checkpoint() {
    settings.evalInterval = 2;
    stopAtSix();
    settings.evalInterval = 100;
    settings.load = folder;
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(new Progress(6, 12, 6));
    }
  }

  @Test
  void finetuning_takes_the_weights_alone_and_starts_at_zero() {
    double[] weights = stopAtSix();
    settings.load = folder;
    settings.finetune = true;
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(Progress.START);
      assertThat(run.weights()).isEqualTo(weights);
      assertThat(run.sink.events)
          .startsWith(
              " loading checkpoint from " + folder + " at iteration 6",
              "  successfully loaded checkpoint from "
                  + folder
                  + " [ t 1/1, p 1/1 ] at iteration 0");
      assertThat(run.optimizer.numUpdates()).isZero();
      assertThat(run.schedule.learningRate()).isZero();
    }
  }

  @Test
  void without_the_optimizer_the_iterations_go_on_and_the_warm_up_begins_again() {
    stopAtSix();
    settings.load = folder;
    settings.loadOptimizer = false;
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(new Progress(6, 12, 0));
      assertThat(run.optimizer.numUpdates()).isZero();
      assertThat(run.schedule.learningRate()).isZero();
    }
  }

  @Test
  void a_checkpoint_without_its_optimizer_needs_a_flag() {
    settings.saveOptimizer = false;
    stopAtSix();
    settings.load = folder;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .isInstanceOf(UserException.class)
          .hasMessageContaining("it has no optimizer state. Add --no-load-optim or --finetune");
    }
  }

  @Test
  void another_rate_needs_a_flag() {
    stopAtSix();
    settings.load = folder;
    settings.rate = 0.02;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .hasMessageContaining(
              "class input value 0.02 and checkpointvalue 0.01 for learning rate");
    }
    settings.overrideSchedule = true;
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.schedule.learningRate()).isBetween(0.011, 0.02);
    }
  }

  @Test
  void the_loaded_iteration_can_be_chosen() {
    settings.saveInterval = 2;
    stopAtSix();
    settings.load = folder;
    settings.loadIteration = 4;
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run().iteration()).isEqualTo(4);
    }
  }

  /** What launchers that start a run again ask for. */
  @Test
  void a_damaged_checkpoint_gives_way_to_the_newest_one_that_loads() throws IOException {
    settings.saveInterval = 2;
    stopAtSix();
    damage(6);
    Files.delete(folder.resolve("iter_0000004/manifest.json"));
    settings.load = folder;
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .isInstanceOf(DamagedException.class)
          .hasMessageEndingWith("Iterations that can be loaded with --ckpt-step: 2.");
    }
    settings.takeOlder = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(new Progress(2, 4, 0));
      assertThat(run.sink.events)
          .anyMatch(event -> event.startsWith("WARNING: " + folder + "/iter_0000006: optimizer-"))
          .contains("    since the run may be restarted, it continues from iteration 2");
    }
    damage(2);
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .isInstanceOf(DamagedException.class)
          .hasMessageContaining("iter_0000002: optimizer-rank00000.safetensors has the checksum");
    }
  }

  /** Flips the last bit of the optimizer's state. */
  private void damage(int iteration) throws IOException {
    Path file = folder.resolve("iter_%07d/optimizer-rank00000.safetensors".formatted(iteration));
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 1] ^= 1;
    Files.write(file, bytes);
  }

  @Test
  void a_folder_without_checkpoints_starts_from_random_weights_and_says_so() {
    settings.load = folder;
    settings.iterations = 1;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(Progress.START);
      assertThat(run.sink.events)
          .startsWith(
              "WARNING: could not find the metadata file "
                  + folder.resolve("latest_checkpointed_iteration.txt"),
              "    will not load any checkpoints and will start from random");
    }
  }

  @Test
  void a_run_that_will_replace_checkpoints_says_so() {
    settings.saveInterval = 2;
    stopAtSix();
    String warning =
        "WARNING: --save: %s has checkpoints of iterations %s already, and this run starts at %d:"
            + " its saves replace those of the same number. To continue from them, give --load"
            + " %1$s; to keep them, another --save.";
    settings.exitInterval = 1;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events).contains(warning.formatted(folder, "2, 4, 6", 0));
    }
    settings.load = folder;
    settings.loadIteration = 4;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events).contains(warning.formatted(folder, "6", 4));
    }
    settings.loadIteration = 6;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events).noneMatch(event -> event.startsWith("WARNING"));
    }
  }

  /** Its checkpoints would be replaced by those of a run that begins at 0. */
  @Test
  void a_folder_that_lacks_the_tracker_alone_does_not_start_from_random_weights()
      throws IOException {
    settings.saveInterval = 2;
    stopAtSix();
    Path tracker = folder.resolve("latest_checkpointed_iteration.txt");
    Files.delete(tracker);
    settings.load = folder;
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .isInstanceOf(DamagedException.class)
          .hasMessage(
              tracker
                  + ": there is no such file, though there are checkpoints. Iterations that can be"
                  + " loaded with --ckpt-step: 2, 4, 6.");
    }
    settings.takeOlder = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(new Progress(6, 12, 0));
      assertThat(run.sink.events)
          .contains("    since the run may be restarted, it continues from iteration 6");
    }
  }

  @Test
  void a_folder_without_checkpoints_can_be_an_error() {
    settings.load = folder;
    settings.exitOnMissing = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .hasMessageStartingWith("--load: " + folder + " (expected: a folder with latest_check");
    }
  }

  @Test
  void the_pretrained_checkpoint_is_used_until_there_is_one_to_load() {
    double[] weights = stopAtSix();
    settings.load = folder.resolve("none");
    settings.pretrained = folder;
    settings.skipTrain = true;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run()).isEqualTo(Progress.START);
      assertThat(run.weights()).isEqualTo(weights);
    }
    settings.load = folder;
    try (TinyRun run = new TinyRun(settings)) {
      assertThat(run.run().iteration()).isEqualTo(6);
    }
  }

  @Test
  void a_pretrained_folder_without_checkpoints_is_an_error() {
    settings.pretrained = folder;
    try (TinyRun run = new TinyRun(settings)) {
      assertThatThrownBy(run::run)
          .hasMessageStartingWith(
              "--pretrained-checkpoint: " + folder + " (expected: a folder with");
    }
  }

  @Test
  void a_run_that_is_over_saves_nothing_more() {
    stopAtSix();
    settings.iterations = 6;
    settings.exitInterval = null;
    settings.load = folder;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      assertThat(run.sink.events).noneMatch(event -> event.startsWith("saving"));
      assertThat(run.sink.evaluations).hasSize(2);
    }
  }

  private double[] stopAtSix() {
    settings.save = folder;
    settings.exitInterval = 6;
    try (TinyRun run = new TinyRun(settings)) {
      run.run();
      return run.weights();
    }
  }

  /** All but the time. */
  private static List<List<Object>> numbers(List<IterationMetrics> iterations) {
    return iterations.stream()
        .map(
            metrics ->
                List.<Object>of(
                    metrics.position().iteration(),
                    metrics.position().consumedSamples(),
                    metrics.position().learningRate(),
                    metrics.losses().lm(),
                    metrics.norms().grad()))
        .toList();
  }
}
