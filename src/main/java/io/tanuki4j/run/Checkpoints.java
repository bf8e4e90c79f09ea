package io.tanuki4j.run;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointConfig.Loading;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.ForeignCheckpoints;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.config.ConfigException;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.megatron.MegatronCheckpoints;
import io.tanuki4j.model.MegatronArguments;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Finds the checkpoint of commands that cannot do without one. */
public final class Checkpoints {
  /** Other programs' checkpoints that {@code --load} takes. */
  static final ForeignCheckpoints FOREIGN = new MegatronCheckpoints();

  private Checkpoints() {}

  /**
   * @param ranks that load it together
   */
  static Checkpoint find(Loading config, TextExchange ranks) {
    if (config.folder() == null) {
      throw new ConfigException(
          "--load: not given (expected: a folder with checkpoints). Name the folder that pretrain"
              + " was given with --save.");
    }
    return find(new CheckpointStore(config.folder(), ranks).reading(FOREIGN), config.iteration());
  }

  /**
   * Returns the flags that a checkpoint keeps, for {@code --use-checkpoint-args}, and the number of
   * its ids: if the latest is damaged those of the newest that is whole, since whoever loads it
   * says so.
   *
   * @param iteration null for the latest, which may be missing
   */
  public static Optional<Map<String, @Nullable Object>> arguments(
      Path folder, @Nullable Integer iteration) {
    CheckpointStore store = new CheckpointStore(folder).reading(FOREIGN);
    Optional<Checkpoint> found =
        iteration == null ? latestWhole(store) : Optional.of(store.at(iteration));
    return found.map(Checkpoints::arguments);
  }

  private static Map<String, @Nullable Object> arguments(Checkpoint checkpoint) {
    checkpoint.hold().close(); // its state has been read
    TrainState state = checkpoint.state();
    Map<String, @Nullable Object> arguments = new HashMap<>(state.arguments());
    arguments.put(MegatronArguments.TRUE_VOCABULARY, state.vocabSize());
    return arguments;
  }

  private static Optional<Checkpoint> latestWhole(CheckpointStore store) {
    try {
      return store.latest();
    } catch (DamagedException e) {
      return Optional.of(
          store.beforeLatest().stream().findFirst().map(store::at).orElseThrow(() -> e));
    }
  }

  /**
   * @param iteration null for the latest
   * @throws UserException if there is none
   */
  public static Checkpoint find(Path folder, @Nullable Integer iteration) {
    return find(new CheckpointStore(folder).reading(FOREIGN), iteration);
  }

  private static Checkpoint find(CheckpointStore store, @Nullable Integer iteration) {
    if (iteration != null) {
      return store.at(iteration);
    }
    return store
        .latest()
        .orElseThrow(
            () ->
                new UserException(
                    "--load: %s (expected: a folder with checkpoints; it has no %s). Name the folder"
                            .formatted(store.folder(), store.trackerFile().getFileName())
                        + " that pretrain was given with --save."));
  }
}
