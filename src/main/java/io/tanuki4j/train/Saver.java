package io.tanuki4j.train;

import io.tanuki4j.checkpoint.CheckpointConfig.Saving;
import io.tanuki4j.checkpoint.SaveFolder;
import io.tanuki4j.checkpoint.StagedWriter;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.parallel.Agreement;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Saves a run, on all of its ranks at once, with Megatron's lines about it. Without {@code --save}
 * it does nothing.
 */
public final class Saver implements AutoCloseable {
  private final Saving config;
  private final Device device;
  private final RunState state;
  private final PublishedSaves after;
  private final Consumer<String> log;
  private final @Nullable SaveFolder folder;
  private @Nullable StagedWriter stage;
  private @Nullable BackgroundSaves background;
  private long lastIteration = -1;

  /**
   * @param after what follows a save
   * @param log gets the lines
   */
  public Saver(
      Saving config, Device device, RunState state, PublishedSaves after, Consumer<String> log) {
    this.config = config;
    this.device = device;
    this.state = state;
    this.after = after;
    this.log = log;
    this.folder =
        config.folder() == null
            ? null
            : new SaveFolder(config.folder(), state.ranks(device), config.retention());
  }

  /**
   * Tries the folder and takes it for this run alone, so that a run which could not save ends
   * before it has trained.
   *
   * @throws UserException if it cannot be made or written, or another run saves there
   */
  public void open() {
    if (folder != null) {
      folder.requireWritable();
      folder.lock(log);
      if (state.context().globalRank() == 0) {
        after.opened(folder.path());
      }
    }
  }

  /**
   * Takes the memory that {@code --async-save} copies into. All ranks call it, once the state has
   * its memory.
   *
   * @param agreement of all ranks, for this alone
   * @param limit bytes of host memory that may be taken
   */
  public void openStage(Agreement agreement, long limit) {
    if (folder != null && config.async()) {
      stage = folder.openStage(device, tensors(), limit, log);
      background = new BackgroundSaves(agreement, log);
    }
  }

  /** Releases the folder. */
  @Override
  public void close() throws IOException {
    if (stage != null) {
      stage.close();
    }
    if (folder != null) {
      folder.close();
    }
  }

  /**
   * Warns of checkpoints in the folder that a run which starts here replaces. All ranks call it.
   */
  void begin(Progress start) {
    if (folder == null) {
      return;
    }
    String later =
        state.store(folder.path(), device).iterations().stream()
            .filter(iteration -> iteration > start.iteration())
            .map(String::valueOf)
            .collect(Collectors.joining(", "));
    if (!later.isEmpty()) {
      log.accept(
          ("WARNING: --save: %s has checkpoints of iterations %s already, and this run starts at"
                  + " %d: its saves replace those of the same number. To continue from them, give"
                  + " --load %1$s; to keep them, another --save.")
              .formatted(folder.path(), later, start.iteration()));
    }
  }

  /** Returns whether the iteration ends a save interval. */
  boolean isDue(long iteration) {
    return config.interval() > 0 && iteration % config.interval() == 0;
  }

  /**
   * Saves, unless this iteration has just been saved. With {@code --async-save} it returns when all
   * tensors are copied, once the save before is published; the save after one that failed is not
   * left to the background, so that a second failure ends the run.
   */
  void save(Progress progress) {
    if (folder == null || progress.iteration() == lastIteration) {
      return;
    }
    boolean failedBefore = awaitEarlier();
    long iteration = progress.iteration();
    log.accept(
        "saving checkpoint at iteration %7d to %s in tanuki4j format"
            .formatted(iteration, folder.path()));
    TrainState saved = state.at(progress, config.optimizer());
    lastIteration = iteration;
    if (stage != null && background != null) {
      background.add(
          folder.begin(stage, saved, List.of(tensors())),
          () -> published(folder.path(), iteration));
      log.accept(
          "  scheduled an async checkpoint save at iteration %7d to %s"
              .formatted(iteration, folder.path()));
      if (failedBefore) {
        finish();
      }
    } else {
      folder.save(device, saved, tensors());
      published(folder.path(), iteration);
    }
  }

  private boolean awaitEarlier() {
    if (background == null) {
      return false;
    }
    if (background.isPending()) {
      log.accept(
          "WARNING: Starting a checkpoint save before previous has finished. Consider increasing"
              + " the checkpoint interval.");
    }
    return background.finish();
  }

  private void published(Path path, long iteration) {
    log.accept(
        "  successfully saved checkpoint from iteration %7d to %s %s"
            .formatted(iteration, config.folder(), state.place()));
    if (state.context().globalRank() == 0) {
      after.published(path, iteration);
    }
  }

  private RankTensors tensors() {
    return state.tensors(config.optimizer());
  }

  /** Publishes what has been written in the background; all ranks call it after each iteration. */
  void poll() {
    if (background != null) {
      background.poll();
    }
  }

  /**
   * Waits until what was saved is published.
   *
   * @throws UserException if it could not be
   */
  void finish() {
    if (background != null && background.finish()) {
      throw new UserException(
          "--save: iteration %d could not be saved to %s, as said above. Make room, and start again"
                  .formatted(lastIteration, config.folder())
              + " from the checkpoint before it.");
    }
  }
}
