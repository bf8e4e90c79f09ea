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
import io.tanuki4j.kernel.Device;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A folder that ranks save their checkpoints into; all of them call the same methods.
 *
 * <p>A checkpoint is written as {@code iter_0000500.saving}, synchronised to the disk and renamed;
 * then the tracker is. One of the same iteration steps aside as {@code iter_0000500.replaced} until
 * the new one is in place. So a kill leaves a whole checkpoint, and the next save removes what else
 * is left.
 */
public final class SaveFolder implements Closeable {
  private final Path folder;
  private final TextExchange ranks;
  private final Retention retention;
  private final Set<String> told = new HashSet<>();
  private @Nullable SaveLock lock;
  private Consumer<String> log = line -> {};

  /**
   * Prepares to save.
   *
   * @param folder one that all ranks see
   * @param ranks that save together
   * @param retention which checkpoints are kept after a save
   */
  public SaveFolder(Path folder, TextExchange ranks, Retention retention) {
    this.folder = folder;
    this.ranks = ranks;
    this.retention = retention;
  }

  public Path path() {
    return folder;
  }

  /**
   * Creates the folder if necessary, and checks on every rank that it can be written. Leaves
   * nothing in it.
   *
   * @throws UserException on every rank, if one cannot
   */
  public void requireWritable() {
    new SaveTrial(folder, ranks).run();
  }

  /**
   * Keeps other runs from saving into the folder, which must be there, until this is closed. All
   * ranks call it; rank 0 has the lock.
   *
   * @param log receives a line about a wait, about a lock that was taken over, and after a save
   *     about each old folder that could not be removed
   * @throws UserException on every rank, if another run has the lock
   */
  public void lock(Consumer<String> log) {
    this.log = log;
    reading()
        .run(
            () -> {
              if (ranks.rank() == 0) {
                lock = SaveLock.take(folder, SaveLock.Pulse.NORMAL, log);
              }
            });
  }

  /** Lets other runs save into the folder. */
  @Override
  public void close() throws IOException {
    if (lock != null) {
      lock.close();
    }
  }

  private CollectiveTask reading() {
    return new CollectiveTask(ranks, e -> IoFailure.reading(folder, e));
  }

  /**
   * Saves everything that a rank has; visible as a checkpoint only when all of it is on the disk.
   *
   * @param state rank 0's is saved
   * @throws UserException on every rank, if the folder is not suitable for saving
   * @throws UncheckedIOException on every rank, if one cannot write; earlier checkpoints remain
   */
  public void save(Device device, TrainState state, RankTensors here) {
    try (StagedWriter writer = StagedWriter.Size.passing(here.numBytes()).open(device::openStage)) {
      begin(writer, state, List.of(here)).finish();
    }
  }

  /** Saves in this process what several ranks would save, in the same shards, from no device. */
  public void save(TrainState state, List<RankTensors> tensors) {
    long bytes = tensors.stream().mapToLong(RankTensors::numBytes).sum();
    try (StagedWriter writer = StagedWriter.Size.passing(bytes).open(StagedWriter::ofNoDevice)) {
      begin(writer, state, tensors).finish();
    }
  }

  /**
   * Allocates host memory for copies of what this rank saves, so that it is written while the run
   * continues.
   *
   * @param limit bytes that may be taken; if a rank saves more, it waits until some are written
   * @param log receives a line about the amount
   */
  public StagedWriter openStage(Device device, RankTensors here, long limit, Consumer<String> log) {
    long bytes = numBytes(here);
    StagedWriter.Size size = StagedWriter.Size.holding(bytes, limit);
    log.accept(size.describe(bytes));
    return size.open(device::openStage);
  }

  /**
   * Begins a save; returns when all tensors are copied and may change.
   *
   * @param here the ranks that this process saves for: itself, or all where none runs
   */
  public JointSave begin(StagedWriter writer, TrainState state, List<RankTensors> here) {
    return new JointSave(state, writer).begin(here);
  }

  /** Returns the bytes that this rank would write. */
  private long numBytes(RankTensors here) {
    List<RankPiece[][]> pieces =
        reading().gather(RankPiece[][].class, () -> RankPiece.of(List.of(here)));
    int first = firstRank(pieces);
    return writers(pieces).entrySet().stream()
        .filter(entry -> entry.getValue() == first)
        .mapToLong(entry -> entry.getKey().numBytes())
        .sum();
  }

  private static Map<RankPiece, Integer> writers(List<RankPiece[][]> pieces) {
    return RankPiece.assignWriters(pieces.stream().flatMap(Stream::of).map(List::of).toList());
  }

  private int firstRank(List<RankPiece[][]> pieces) {
    return pieces.subList(0, ranks.rank()).stream().mapToInt(those -> those.length).sum();
  }

  private static String fileName(StateKind kind, int rank) {
    return "%s-rank%05d.safetensors".formatted(kind.word(), rank);
  }

  /**
   * One save by all ranks. Each step ends on all ranks before the next one begins. First, rank 0
   * makes the folder while each rank says what it holds. Then each rank copies its share, which its
   * own threads write. Finally, rank 0 writes the manifest and publishes. If a step fails on one
   * rank, the save is abandoned on all. All ranks call its methods.
   */
  public final class JointSave {
    private final TrainState state;
    private final StagedWriter writer;
    private final String name;
    private final CollectiveTask work;
    private final List<Share> shares = new ArrayList<>();
    private final Set<String> unremoved = new LinkedHashSet<>();
    private Map<RankPiece, Integer> writers = Map.of();
    private @Nullable CompletableFuture<Void> published;

    /** A file of this rank that is being written. */
    private record Share(String file, StateKind kind, CompletableFuture<NewFile.Written> written) {}

    private JointSave(TrainState state, StagedWriter writer) {
      this.state = state;
      this.writer = writer;
      this.name = CheckpointFolders.nameOf(state.iteration());
      this.work = new CollectiveTask(ranks, e -> IoFailure.saving(folder, state.iteration(), e));
    }

    /**
     * Returns when all tensors are copied.
     *
     * @param here the ranks that this process saves for: itself, or all where none runs
     */
    private JointSave begin(List<RankTensors> here) {
      orAbandon(
          () -> {
            List<RankPiece[][]> pieces = work.gather(RankPiece[][].class, () -> prepare(here));
            writers = writers(pieces);
            int firstRank = firstRank(pieces);
            work.run(() -> copyShares(here, firstRank));
          });
      return this;
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
      if (lock != null) {
        lock.requireOwn();
      }
      if (ranks.rank() == 0) {
        Files.createDirectories(folder);
        CheckpointFolders.removeLeftovers(folder, unremoved::add);
        CheckpointFolders.begin(folder, name);
      }
      return RankPiece.of(here);
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

    /**
     * Returns whether this rank's part of the present step is over, be it done or failed: its
     * files, and from {@link #publish} on what rank 0 does.
     */
    public boolean isStepOver() {
      return shares.stream().allMatch(share -> share.written().isDone())
          && (published == null || published.isDone());
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

    /**
     * Waits until the checkpoint is published. Says what old folders could not be removed, each
     * once in a run.
     *
     * @throws UncheckedIOException on every rank, if it cannot be; earlier ones remain
     */
    public void finish() {
      if (published == null) {
        publish();
      }
      CompletableFuture<Void> publishing = Objects.requireNonNull(published);
      orAbandon(
          () ->
              work.gather(String[].class, () -> unremoved(publishing)).stream()
                  .flatMap(Stream::of)
                  .filter(told::add)
                  .forEach(log));
    }

    private String[] unremoved(CompletableFuture<Void> publishing) throws IOException {
      StagedWriter.await(publishing);
      return unremoved.toArray(String[]::new);
    }

    private void publishUnchecked(List<ShardFile[]> files) {
      try {
        publish(files);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
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
      retention.apply(folder, state.iteration(), unremoved::add);
      CheckpointFolders.removeLeftovers(folder, unremoved::add);
    }

    private void requireVisible(Path saving, ShardFile file, int rank) throws IOException {
      Folders.list(saving); // makes a network file system look again
      Path path = saving.resolve(file.name());
      if (!Files.exists(path) || Files.size(path) != file.size()) {
        throw SaveTrial.unseen(folder, file.name(), rank);
      }
    }
  }
}
