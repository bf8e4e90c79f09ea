package io.tanuki4j.train;

import io.tanuki4j.checkpoint.CheckpointConfig;
import io.tanuki4j.kernel.Device;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;

/**
 * Saves a run, on all of its ranks at once, with Megatron's lines about it. Without {@code --save}
 * it does nothing.
 */
public final class Saver {
  private final CheckpointConfig config;
  private final Device device;
  private final RunState state;
  private final Consumer<String> log;
  private long lastIteration = -1;

  /**
   * @param log gets the lines
   */
  public Saver(CheckpointConfig config, Device device, RunState state, Consumer<String> log) {
    this.config = config;
    this.device = device;
    this.state = state;
    this.log = log;
  }

  /**
   * Tries the folder, so that a run which could not save ends before it has trained.
   *
   * @throws IllegalArgumentException if it cannot be made or written
   */
  public void requireWritable() {
    Path folder = config.save();
    if (folder != null) {
      state.store(folder, device).requireWritable();
    }
  }

  /** Whether the iteration ends a save interval. */
  boolean isDue(long iteration) {
    return config.saveInterval() > 0 && iteration % config.saveInterval() == 0;
  }

  /** Saves, unless this iteration has just been saved. */
  void save(Progress progress) {
    Path folder = config.save();
    if (folder == null || progress.iteration() == lastIteration) {
      return;
    }
    long iteration = progress.iteration();
    log.accept(
        "saving checkpoint at iteration %7d to %s in tanuki4j format".formatted(iteration, folder));
    state
        .store(folder, device)
        .save(
            device,
            state.at(progress, config.saveOptimizer()),
            state.modelTensors(),
            config.saveOptimizer() ? state.optimizerTensors() : List.of(),
            config.saveOptimizer() ? state.fp8Tensors() : List.of());
    lastIteration = iteration;
    log.accept(
        "  successfully saved checkpoint from iteration %7d to %s %s"
            .formatted(iteration, folder, state.place()));
  }
}
