package io.tanuki4j.train;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointConfig.Loading;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.ForeignCheckpoints;
import io.tanuki4j.checkpoint.ReadHold;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.optim.OptimizerSchedule.Conflict;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * Brings a run, on all of its ranks at once, to where a checkpoint stopped, by Megatron's rules
 * about what is taken from it.
 */
public final class Restorer {
  private final Loading config;
  private final TrainConfig train;
  private final Device device;
  private final RunState state;
  private final ForeignCheckpoints foreign;
  private final Consumer<String> log;

  /**
   * @param foreign other programs' checkpoints that a run may start from
   * @param log gets Megatron's lines about loading
   */
  public Restorer(
      Loading config,
      TrainConfig train,
      Device device,
      RunState state,
      ForeignCheckpoints foreign,
      Consumer<String> log) {
    this.config = config;
    this.train = train;
    this.device = device;
    this.state = state;
    this.foreign = foreign;
    this.log = log;
  }

  /**
   * Loads what {@code --load} or {@code --pretrained-checkpoint} names.
   *
   * @return empty if nothing was loaded, so that the weights must be initialised
   * @throws UserException if a checkpoint is damaged, does not fit, contradicts the flags, or must
   *     exist and does not
   */
  public Optional<Progress> restore() {
    Optional<Progress> loaded = config.folder() == null ? Optional.empty() : load(config.folder());
    if (loaded.isPresent()) {
      return loaded;
    }
    if (config.pretrained() != null) {
      return Optional.of(loadPretrained(config.pretrained()));
    }
    if (config.folder() != null) {
      reportMissing(state.store(config.folder(), device));
    }
    return Optional.empty();
  }

  private Optional<Progress> load(Path folder) {
    CheckpointStore store = state.store(folder, device).reading(foreign);
    Integer iteration = config.iteration();
    if (iteration != null) {
      return Optional.of(load(folder, store.at(iteration), config.taken().finetune()));
    }
    try {
      return store.latest().map(latest -> load(folder, latest, config.taken().finetune()));
    } catch (DamagedException e) {
      return Optional.of(loadOlder(store, e));
    }
  }

  private Progress loadOlder(CheckpointStore store, DamagedException damage) {
    DamagedException latest = damage;
    for (long iteration : config.takeOlder() ? store.beforeLatest() : List.<Long>of()) {
      log.accept("WARNING: " + latest.getMessage());
      log.accept(
          "    since the run may be restarted, it continues from iteration %d"
              .formatted(iteration));
      try {
        return load(store.folder(), store.at(iteration), config.taken().finetune());
      } catch (DamagedException e) {
        latest = e;
      }
    }
    throw latest;
  }

  private Progress loadPretrained(Path folder) {
    log.accept(
        "Checkpoint file not found in load directory %s attempting to finetune with checkpoint in %s"
            .formatted(config.folder(), folder));
    CheckpointStore store = state.store(folder, device).reading(foreign);
    Checkpoint checkpoint =
        store
            .latest()
            .orElseThrow(
                () ->
                    new UserException(
                        ("--pretrained-checkpoint: %s (expected: a folder with %s, or a checkpoint"
                                + " in --load). Name a folder that was given to --save.")
                            .formatted(folder, store.trackerFile().getFileName())));
    return load(folder, checkpoint, true);
  }

  private void reportMissing(CheckpointStore store) {
    if (config.exitOnMissing()) {
      throw new UserException(
          ("--load: %s (expected: a folder with %s, since --exit-on-missing-checkpoint is given)."
                  + " Name a folder that was given to --save.")
              .formatted(store.folder(), store.trackerFile().getFileName()));
    }
    log.accept("WARNING: could not find the metadata file " + store.trackerFile());
    log.accept("    will not load any checkpoints and will start from random");
  }

  private Progress load(Path folder, Checkpoint checkpoint, boolean weightsOnly) {
    try (ReadHold hold = checkpoint.hold()) {
      return loadHeld(folder, checkpoint, weightsOnly);
    }
  }

  private Progress loadHeld(Path folder, Checkpoint checkpoint, boolean weightsOnly) {
    TrainState saved = checkpoint.state();
    log.accept(" loading checkpoint from %s at iteration %d".formatted(folder, saved.iteration()));
    checkpoint.load(device, StateKind.MODEL, state.modelTensors(), state.vocabSize());
    if (weightsOnly || !config.taken().optimizer()) {
      state.optimizer().resetMaster();
    } else {
      loadOptimizer(checkpoint);
    }
    Progress progress = weightsOnly ? Progress.START : progress(saved);
    log.accept(
        "  successfully loaded checkpoint from %s %s at iteration %d"
            .formatted(folder, state.place(), progress.iteration()));
    return progress;
  }

  private void loadOptimizer(Checkpoint checkpoint) {
    checkpoint.load(device, StateKind.OPTIMIZER, state.optimizerTensors(), state.vocabSize());
    state.resumeOptimizer(checkpoint.state());
    if (!state.loadFp8(checkpoint, device)) {
      log.accept(" %s has no fp8 scales, so they begin anew".formatted(checkpoint.folder()));
    }
    state
        .schedule()
        .load(checkpoint.state().schedule(), conflict(), train.batches().globalBatchSize(), log);
  }

  private Conflict conflict() {
    if (config.taken().overrideSchedule()) {
      return Conflict.KEEP_CONFIGURED;
    }
    return config.taken().useCheckpointSchedule() ? Conflict.TAKE_SAVED : Conflict.FAIL;
  }

  /**
   * Returns how far the saved run was. A converted checkpoint knows its iteration but not its
   * samples; they follow from the flags.
   */
  private Progress progress(TrainState saved) {
    long trained = saved.consumedTrainSamples();
    long validated = saved.consumedValidSamples();
    if (train.length().samples() == null && trained == 0) {
      trained = saved.iteration() * train.batches().globalBatchSize();
    }
    if (train.length().samples() == null && validated == 0 && train.evaluations().interval() > 0) {
      long evaluations = saved.iteration() / train.evaluations().interval();
      validated =
          evaluations * train.evaluations().iterations() * train.batches().globalBatchSize();
    }
    return new Progress(saved.iteration(), trained, validated);
  }
}
