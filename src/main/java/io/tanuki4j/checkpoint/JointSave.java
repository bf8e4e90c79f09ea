package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.TrainState.RankPiece;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.comm.TextExchange.CollectiveTask;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One save by all ranks. Each step ends on all ranks before the next one begins. First, rank 0
 * makes the folder while each rank says what it holds. Then each rank copies its share, which its
 * own threads write. Finally, rank 0 writes the manifest and publishes. If a step fails on one
 * rank, the save is abandoned on all. All ranks call its methods.
 */
public final class JointSave {
  private final Path folder;
  private final TextExchange ranks;
  private final TrainState state;
  private final StagedWriter writer;
  private final Terms terms;
  private final String name;
  private final CollectiveTask work;
  private final List<Share> shares = new ArrayList<>();
  private Map<RankPiece, Integer> writers = Map.of();
  private @Nullable CompletableFuture<Void> published;

  /**
   * How the folder is kept.
   *
   * @param lock of the folder; null if this rank has none
   */
  record Terms(@Nullable SaveLock lock, Retention retention) {}

  /** A file of this rank that is being written. */
  private record Share(String file, StateKind kind, CompletableFuture<NewFile.Written> written) {}

  /**
   * Prepares a save.
   *
   * @param state rank 0's is saved
   * @param writer for this rank's share
   */
  JointSave(Path folder, TextExchange ranks, TrainState state, StagedWriter writer, Terms terms) {
    this.folder = folder;
    this.ranks = ranks;
    this.state = state;
    this.writer = writer;
    this.terms = terms;
    this.name = CheckpointFolders.nameOf(state.iteration());
    this.work = new CollectiveTask(ranks, e -> IoFailure.saving(folder, state.iteration(), e));
  }

  /**
   * Returns when all tensors are copied.
   *
   * @param here the ranks that this process saves for: itself, or all where none runs
   */
  JointSave begin(List<RankTensors> here) {
    orAbandon(
        () -> {
          List<RankPiece[][]> pieces = work.gather(RankPiece[][].class, () -> prepare(here));
          writers = writers(pieces);
          int firstRank = firstRank(ranks, pieces);
          work.run(() -> copyShares(here, firstRank));
        });
    return this;
  }

  /** Returns the bytes that the ranks of this process would write. */
  static long numBytes(TextExchange ranks, CollectiveTask work, List<RankTensors> here) {
    List<RankPiece[][]> pieces = work.gather(RankPiece[][].class, () -> pieces(here));
    int first = firstRank(ranks, pieces);
    return writers(pieces).entrySet().stream()
        .filter(entry -> entry.getValue() >= first && entry.getValue() < first + here.size())
        .mapToLong(entry -> entry.getKey().numBytes())
        .sum();
  }

  private static Map<RankPiece, Integer> writers(List<RankPiece[][]> pieces) {
    return RankPiece.assignWriters(pieces.stream().flatMap(Stream::of).map(List::of).toList());
  }

  private static int firstRank(TextExchange ranks, List<RankPiece[][]> pieces) {
    return pieces.subList(0, ranks.rank()).stream().mapToInt(those -> those.length).sum();
  }

  private void orAbandon(Runnable steps) {
    try {
      steps.run();
    } catch (UserException | UncheckedIOException e) {
      work.run(this::settle);
      if (ranks.rank() == 0) {
        CheckpointFolders.abandon(folder, name, e);
      }
      throw e;
    }
  }

  /** Waits until this rank has finished writing. */
  private void settle() {
    CompletableFuture.allOf(shares.stream().map(Share::written).toArray(CompletableFuture[]::new))
        .exceptionally(failure -> null)
        .join();
  }

  private RankPiece[][] prepare(List<RankTensors> here) throws IOException {
    if (terms.lock() != null) {
      terms.lock().requireOwn();
    }
    if (ranks.rank() == 0) {
      Files.createDirectories(folder);
      CheckpointFolders.removeLeftovers(folder);
      CheckpointFolders.begin(folder, name);
    }
    return pieces(here);
  }

  private static RankPiece[][] pieces(List<RankTensors> here) {
    return here.stream()
        .map(tensors -> tensors.pieces().toArray(RankPiece[]::new))
        .toArray(RankPiece[][]::new);
  }

  private void copyShares(List<RankTensors> here, int firstRank) throws IOException {
    Path saving = Files.createDirectories(CheckpointFolders.saving(folder, name));
    for (int i = 0; i < here.size(); i++) {
      int rank = firstRank + i;
      for (StateKind kind : StateKind.values()) {
        List<ShardedTensor> tensors = here.get(i).share(kind, writers, rank);
        if (!tensors.isEmpty()) {
          String file = fileName(kind, rank);
          shares.add(new Share(file, kind, writer.write(saving.resolve(file), tensors)));
        }
      }
    }
  }

  /** Returns whether this rank's files are written, or writing them has failed. */
  public boolean isWritten() {
    return shares.stream().allMatch(share -> share.written().isDone());
  }

  /**
   * Lets rank 0 publish the checkpoint in the background. Waits until all ranks have written.
   *
   * @throws UncheckedIOException on every rank, if one could not write
   */
  public void publish() {
    orAbandon(
        () -> {
          List<ShardFile[]> files = work.gather(ShardFile[].class, this::files);
          published =
              ranks.rank() > 0
                  ? CompletableFuture.completedFuture(null)
                  : writer.then(() -> publishUnchecked(files));
        });
  }

  private ShardFile[] files() throws IOException {
    settle();
    List<ShardFile> files = new ArrayList<>();
    for (Share share : shares) {
      NewFile.Written written = StagedWriter.await(share.written());
      files.add(new ShardFile(share.file(), share.kind(), written.size(), written.crc32c()));
    }
    return files.toArray(ShardFile[]::new);
  }

  /** Returns whether rank 0 has published it, or has failed to; other ranks don't know. */
  public boolean isPublished() {
    return published != null && published.isDone();
  }

  /**
   * Waits until the checkpoint is published.
   *
   * @throws UncheckedIOException on every rank, if it cannot be; earlier ones remain
   */
  public void finish() {
    if (published == null) {
      publish();
    }
    CompletableFuture<Void> publishing = Objects.requireNonNull(published);
    orAbandon(() -> work.run(() -> StagedWriter.await(publishing)));
  }

  private void publishUnchecked(List<ShardFile[]> files) {
    try {
      publish(files);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String fileName(StateKind kind, int rank) {
    return "%s-rank%05d.safetensors".formatted(kind.word(), rank);
  }

  private void publish(List<ShardFile[]> files) throws IOException {
    Path saving = CheckpointFolders.saving(folder, name);
    Manifest.Builder manifest = new Manifest.Builder(state);
    for (int process = 0; process < files.size(); process++) {
      for (ShardFile file : files.get(process)) {
        requireVisible(saving, file, process);
        manifest.add(file);
      }
    }
    writers.forEach((piece, rank) -> manifest.add(fileName(piece.kind(), rank), piece));
    manifest.build().write(saving);
    CheckpointFolders.publish(folder, name);
    CheckpointFolders.setLatest(folder, state.iteration());
    terms.retention().apply(folder, state.iteration());
  }

  private void requireVisible(Path saving, ShardFile file, int rank) throws IOException {
    Folders.list(saving); // makes a network file system look again
    Path path = saving.resolve(file.name());
    if (!Files.exists(path) || Files.size(path) != file.size()) {
      throw unseen(folder, file.name(), rank);
    }
  }

  /** Returns the failure that rank 0 does not see another rank's file. */
  static UserException unseen(Path folder, String file, int rank) {
    return new UserException(
        "%s: %s, which rank %d wrote, is not there (expected: one folder that all ranks see)."
                .formatted(folder, file, rank)
            + " Give --save a folder on a disk that all machines share.");
  }
}
