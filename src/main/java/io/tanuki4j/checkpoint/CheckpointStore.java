package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.comm.TextExchange.CollectiveTask;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A folder of checkpoints: {@code iter_0000500/} with {@code manifest.json} and each rank's
 * safetensors files of model and optimizer, and {@code latest_checkpointed_iteration.txt}.
 *
 * <p>Whatever byte of a save a kill falls on, {@link #latest} finds a whole checkpoint; {@link
 * SaveFolder} says how.
 */
public final class CheckpointStore {
  /** Names that are tried while a run removes one after the other. */
  private static final int MAX_ATTEMPTS = 5;

  private static final String MISSING = "there is no such checkpoint";

  private final Path folder;
  private final TextExchange ranks;
  private final ForeignCheckpoints foreign;

  /** Opens a folder for a rank that saves and loads alone. */
  public CheckpointStore(Path folder) {
    this(folder, TextExchange.ALONE);
  }

  /**
   * Opens a folder for several ranks.
   *
   * @param folder one that all ranks see
   * @param ranks that save and load together: each calls the same methods
   */
  public CheckpointStore(Path folder, TextExchange ranks) {
    this(folder, ranks, ForeignCheckpoints.NONE);
  }

  private CheckpointStore(Path folder, TextExchange ranks, ForeignCheckpoints foreign) {
    this.folder = folder;
    this.ranks = ranks;
    this.foreign = foreign;
  }

  /** Returns the same folder, which may hold checkpoints of another program too. */
  public CheckpointStore reading(ForeignCheckpoints others) {
    return new CheckpointStore(folder, ranks, others);
  }

  public Path folder() {
    return folder;
  }

  /** Returns the file that names the latest checkpoint, for messages. */
  public Path trackerFile() {
    return folder.resolve(CheckpointFolders.TRACKER);
  }

  /**
   * Returns the checkpoint that the tracker names; empty if there is neither a tracker nor a whole
   * checkpoint. Unless it is another program's, it is kept until its first {@link Checkpoint#hold},
   * or what it opens first, is closed.
   *
   * @throws UserException if the tracker alone is missing, it or the checkpoint is damaged or
   *     foreign, or the ranks see different ones
   */
  public Optional<Checkpoint> latest() {
    String name = commonName();
    for (int attempt = 1; !name.isEmpty(); attempt++) {
      try {
        return Optional.of(openHeld(name));
      } catch (DamagedException | UncheckedIOException e) {
        String before = name;
        name = commonName();
        if (name.equals(before) || attempt == MAX_ATTEMPTS) {
          throw e;
        }
      }
    }
    return Optional.empty();
  }

  /** Returns the name that all ranks see; a run that saves may change it between their looks. */
  private String commonName() {
    List<String> names = List.of();
    for (int attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      names = reading().gather(String.class, this::latestName);
      if (Set.copyOf(names).size() == 1) {
        break;
      }
    }
    requireSame(names);
    return names.get(0);
  }

  /** Opens a checkpoint that a run may be removing: it counts if it is there once it is held. */
  private Checkpoint openHeld(String name) {
    Checkpoint checkpoint = open(name);
    Optional<ReadHold> hold = ReadHold.ofPresent(checkpoint.folder());
    try {
      reading().run(() -> requireHeld(checkpoint, hold));
    } catch (UserException | UncheckedIOException e) {
      hold.ifPresent(ReadHold::close);
      throw e;
    }
    return hold.map(checkpoint::heldBy).orElse(checkpoint);
  }

  private static void requireHeld(Checkpoint checkpoint, Optional<ReadHold> hold) {
    if (hold.isEmpty() && !checkpoint.isForeign()) {
      throw damaged(checkpoint.folder(), MISSING, null);
    }
  }

  private String latestName() throws IOException {
    Optional<String> name = CheckpointFolders.latest(folder);
    if (name.isEmpty()) {
      ForeignFolder.refuse(folder);
      OtherIterations.requireNone(trackerFile());
    }
    return name.orElse("");
  }

  private void requireSame(List<String> names) {
    for (int rank = 1; rank < names.size(); rank++) {
      if (!names.get(rank).equals(names.get(0))) {
        throw new UserException(
            "%s: rank 0 sees %s in it, rank %d %s (expected: one folder that all ranks see)."
                    .formatted(folder, seen(names.get(0)), rank, seen(names.get(rank)))
                + " Load from a disk that all machines share.");
      }
    }
  }

  private static String seen(String name) {
    return name.isEmpty() ? "no checkpoint" : name;
  }

  /**
   * Returns the checkpoint of an iteration, whatever the tracker says.
   *
   * @throws UserException if there is none, or it is damaged or foreign
   */
  public Checkpoint at(long iteration) {
    return open(CheckpointFolders.nameOf(iteration));
  }

  /** Returns the iterations that can be loaded, in ascending order. */
  public List<Long> iterations() {
    return reading().own(() -> CheckpointFolders.iterations(folder));
  }

  private CollectiveTask reading() {
    return new CollectiveTask(ranks, e -> IoFailure.reading(folder, e));
  }

  private Checkpoint open(String name) {
    Path whole = CheckpointFolders.whole(folder, name);
    return reading()
        .own(
            () ->
                isForeign(whole)
                    ? Checkpoint.of(foreign, whole, ranks)
                    : new Checkpoint(whole, read(whole), ranks));
  }

  private boolean isForeign(Path whole) throws IOException {
    return !Files.exists(whole.resolve(Manifest.NAME)) && foreign.recognises(whole);
  }

  private static Manifest read(Path whole) throws IOException {
    if (!Files.exists(whole.resolve(Manifest.NAME))) {
      ForeignFolder.refuse(whole);
      throw damaged(
          whole,
          Files.exists(whole)
              ? "it has no " + Manifest.NAME + ", so it is no whole checkpoint"
              : MISSING,
          null);
    }
    try {
      return ManifestReader.read(whole);
    } catch (ManifestReader.UnfitException e) {
      throw damaged(whole.resolve(Manifest.NAME), String.valueOf(e.getMessage()), e);
    }
  }

  private static DamagedException damaged(Path place, String reason, @Nullable Throwable cause) {
    Path iteration = place.endsWith(Manifest.NAME) ? Folders.parentOf(place) : place;
    return new DamagedException(
        "%s: %s. %s".formatted(place, reason, OtherIterations.remedy(iteration)), cause);
  }

  /**
   * Returns what to load if the latest checkpoint turns out to be damaged: whole iterations before
   * it, newest first; all of them if the tracker names none. The same on all ranks.
   */
  public List<Long> beforeLatest() {
    List<Long[]> seen =
        reading().gather(Long[].class, () -> olderThan(limit()).toArray(Long[]::new));
    return List.of(seen.get(0));
  }

  private long limit() throws IOException {
    try {
      return CheckpointFolders.latest(folder)
          .map(CheckpointFolders::iteration)
          .orElse(Long.MAX_VALUE);
    } catch (DamagedException e) {
      return Long.MAX_VALUE;
    }
  }

  private List<Long> olderThan(long limit) throws IOException {
    return OtherIterations.whole(folder).stream()
        .filter(iteration -> iteration < limit)
        .sorted(Comparator.reverseOrder())
        .toList();
  }

  /**
   * Saves device memory of all ranks and keeps earlier checkpoints; a run that trains saves with
   * {@link SaveFolder} itself, which also locks the folder.
   *
   * @param state rank 0's is saved
   * @param optimizer empty to leave it out
   */
  public void save(
      Device device, TrainState state, List<ShardedTensor> model, List<ShardedTensor> optimizer) {
    new SaveFolder(folder, ranks, Retention.ALL)
        .save(device, state, new RankTensors(model, optimizer));
  }

  /** Saves tensors that are not on a device. */
  public void save(TrainState state, List<ShardedTensor> model, List<ShardedTensor> optimizer) {
    new SaveFolder(folder, ranks, Retention.ALL)
        .save(state, List.of(new RankTensors(model, optimizer)));
  }
}
