package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.TrainState.RankPiece;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.comm.TextExchange.CollectiveTask;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** One complete checkpoint. Its state is read immediately, its tensors on demand. */
public final class Checkpoint {
  private final Path folder;
  private final Manifest manifest;
  private final TextExchange ranks;
  private final ForeignCheckpoints foreign;
  private final AtomicReference<@Nullable ReadHold> held = new AtomicReference<>();

  /**
   * Makes an open checkpoint.
   *
   * @param ranks that load it together
   */
  Checkpoint(Path folder, Manifest manifest, TextExchange ranks) {
    this(folder, manifest, ranks, ForeignCheckpoints.NONE);
  }

  private Checkpoint(
      Path folder, Manifest manifest, TextExchange ranks, ForeignCheckpoints foreign) {
    this.folder = folder;
    this.manifest = manifest;
    this.ranks = ranks;
    this.foreign = foreign;
  }

  /** Opens a checkpoint of another program, of which its state is read. */
  static Checkpoint of(ForeignCheckpoints foreign, Path folder, TextExchange ranks)
      throws IOException {
    try (ForeignCheckpoints.Content content = foreign.open(folder, StateKind.MODEL)) {
      Manifest manifest = new Manifest(content.state(), List.of(), List.of());
      return new Checkpoint(folder, manifest, ranks, foreign);
    }
  }

  /**
   * Returns a checkpoint that its first hold, or its files, keep without a gap.
   *
   * @param hold of it
   */
  Checkpoint heldBy(ReadHold hold) {
    held.set(hold);
    return this;
  }

  /** Keeps the checkpoint from being removed until the hold is closed. */
  public ReadHold hold() {
    ReadHold first = held.getAndSet(null);
    return first == null ? ReadHold.of(folder) : first;
  }

  /** Returns its files of tensors; none for a checkpoint of another program. */
  public List<ShardFile> files() {
    return manifest.files();
  }

  /**
   * Compares the sizes of the files with the manifest, as {@link #load} does. Their checksums stay
   * unread.
   *
   * @throws DamagedException if a file is missing or has another size
   */
  public void requireWhole() throws IOException {
    for (ShardFile file : files()) {
      OpenShards.requireWhole(folder, file);
    }
  }

  /** Returns the folder, for example {@code checkpoints/run7/iter_0000500}. */
  public Path folder() {
    return folder;
  }

  /** Returns whether another program wrote it. */
  boolean isForeign() {
    return foreign != ForeignCheckpoints.NONE;
  }

  public TrainState state() {
    return manifest.state();
  }

  public boolean has(StateKind kind) {
    return manifest.has(kind);
  }

  /**
   * Fills memory with tensors of one kind of state, however they were cut when they were saved. All
   * ranks call it, each for its own tensors; together they want every tensor of the kind. Each
   * file's checksum is compared by one rank, from what it reads anyway and the rest of the file.
   *
   * @param targets types may differ from the stored ones
   * @param vocabSize ids of the tokenizer; see {@link TrainState#vocabSize}
   * @throws UserException on every rank, if the checkpoint lacks the kind of state, does not fit or
   *     is damaged
   */
  public void load(Device device, StateKind kind, List<ShardedTensor> targets, int vocabSize) {
    CollectiveTask work = new CollectiveTask(ranks, e -> IoFailure.reading(folder, e));
    List<RankPiece[]> wanted = work.gather(RankPiece[].class, () -> pieces(kind, targets));
    try {
      if (!isForeign()) {
        requireKind(kind);
        Map<String, StoredTensor> stored = match(manifest, kind, wanted, vocabSize);
        List<ShardFile> verified =
            VerifiedFiles.of(manifest.files(kind), wanted, stored).get(ranks.rank());
        load(
            work,
            device,
            new OpenShards(folder, hold(), manifest, kind, verified),
            targets,
            stored);
      } else {
        ForeignTensors files =
            work.own(() -> new ForeignTensors(folder, kind, foreign.open(folder, kind), ranks));
        load(work, device, files, targets, match(files.manifest(), kind, wanted, vocabSize));
      }
    } catch (IOException e) {
      throw IoFailure.reading(folder, e);
    }
  }

  private Map<String, StoredTensor> match(
      Manifest from, StateKind kind, List<RankPiece[]> wanted, int vocabSize) {
    List<RankPiece> all = wanted.stream().flatMap(Stream::of).toList();
    return new TensorMatcher(folder, from, kind).match(all, vocabSize);
  }

  private static void load(
      CollectiveTask work,
      Device device,
      TensorFiles files,
      List<ShardedTensor> targets,
      Map<String, StoredTensor> stored)
      throws IOException {
    try (files) {
      Optional<UserException> unfit = work.own(() -> fill(device, files, targets, stored));
      work.run(() -> requireAbsent(unfit)); // told after damage, which explains it
    }
  }

  private static RankPiece[] pieces(StateKind kind, List<ShardedTensor> targets) {
    return targets.stream().map(target -> RankPiece.of(kind, target)).toArray(RankPiece[]::new);
  }

  /**
   * Reads and verifies.
   *
   * @return what is wrong with undamaged values
   */
  private static Optional<UserException> fill(
      Device device,
      TensorFiles shards,
      List<ShardedTensor> targets,
      Map<String, StoredTensor> stored)
      throws IOException {
    Optional<UserException> unfit = Optional.empty();
    try (TensorLoader loader = new TensorLoader(shards, device)) {
      for (ShardedTensor target : targets) {
        loader.load(Objects.requireNonNull(stored.get(target.name())), target);
      }
      loader.finish();
    } catch (DamagedException e) {
      throw e;
    } catch (UserException e) {
      unfit = Optional.of(e);
    }
    shards.verify();
    return unfit;
  }

  private static void requireAbsent(Optional<UserException> failure) {
    if (failure.isPresent()) {
      throw failure.get();
    }
  }

  /** Returns the tensors of a kind and the places of their pieces. */
  public List<StoredTensor> contents(StateKind kind) {
    return manifest.tensors(kind);
  }

  /**
   * Opens the files of a kind, to read tensor by tensor.
   *
   * @throws UserException if there is no such state
   */
  public OpenShards open(StateKind kind) {
    requireKind(kind);
    return new OpenShards(folder, hold(), manifest, kind, manifest.files(kind));
  }

  private void requireKind(StateKind kind) {
    if (has(kind)) {
      return;
    }
    throw new UserException(
        switch (kind) {
          case MODEL ->
              folder + ": it has no model weights. Load another iteration with --ckpt-step.";
          case OPTIMIZER ->
              folder + ": it has no optimizer state. Add --no-load-optim or --finetune.";
          case FP8 -> folder + ": it has no scales of fp8. Add --no-load-optim or --finetune.";
        });
  }
}
