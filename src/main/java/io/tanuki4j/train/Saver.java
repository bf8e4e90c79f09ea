package io.tanuki4j.train;

import io.tanuki4j.checkpoint.CheckpointConfig;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Saves a run, on all of its ranks at once, with Megatron's lines about it. Without {@code --save}
 * it does nothing.
 */
public final class Saver implements AutoCloseable {
  private final CheckpointConfig config;
  private final Device device;
  private final RunState state;
  private final Consumer<String> log;
  private final @Nullable CheckpointStore store;
  private long lastIteration = -1;

  /**
   * @param log gets the lines
   */
  public Saver(CheckpointConfig config, Device device, RunState state, Consumer<String> log) {
    this.config = config;
    this.device = device;
    this.state = state;
    this.log = log;
    this.store = config.save() == null ? null : state.store(config.save(), device);
  }

  /**
   * Tries the folder and takes it for this run alone, so that a run which could not save ends
   * before it has trained.
   *
   * @throws UserException if it cannot be made or written, or another run saves there
   */
  public void open() {
    if (store != null) {
      store.requireWritable();
      store.lock(log);
    }
  }

  /** Gives the folder back. */
  @Override
  public void close() throws IOException {
    if (store != null) {
      store.close();
    }
  }

  /** Whether the iteration ends a save interval. */
  boolean isDue(long iteration) {
    return config.saveInterval() > 0 && iteration % config.saveInterval() == 0;
  }

  /** Saves, unless this iteration has just been saved. */
  void save(Progress progress) {
    if (store == null || progress.iteration() == lastIteration) {
      return;
    }
    Path folder = store.folder();
    long iteration = progress.iteration();
    log.accept(
        "saving checkpoint at iteration %7d to %s in tanuki4j format".formatted(iteration, folder));
    store.save(
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
