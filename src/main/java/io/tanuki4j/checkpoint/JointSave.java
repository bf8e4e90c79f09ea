package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.disk.Folders;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One save by all ranks, in three steps that end on all of them before the next begins: rank 0
 * makes the folder while each rank says what it holds; each rank writes its share; rank 0 writes
 * the manifest and publishes. If a step fails on one rank, the save is abandoned on all.
 */
final class JointSave {
  private final Path folder;
  private final TextExchange ranks;
  private final TrainState state;
  private final String name;
  private final JointWork work;
  private final @Nullable SaveLock lock;

  /**
   * @param state rank 0's is saved
   * @param lock of the folder; null if this rank has none
   */
  JointSave(Path folder, TextExchange ranks, TrainState state, @Nullable SaveLock lock) {
    this.lock = lock;
    this.folder = folder;
    this.ranks = ranks;
    this.state = state;
    this.name = Tracker.folderName(state.iteration());
    this.work = new JointWork(ranks, e -> IoFailure.saving(folder, state.iteration(), e));
  }

  /**
   * @param here the ranks that this process saves for: itself, or all where none runs
   */
  void run(List<RankTensors> here) {
    try {
      List<Holding[][]> holdings = work.gather(Holding[][].class, () -> begin(here));
      int firstRank =
          holdings.subList(0, ranks.rank()).stream().mapToInt(those -> those.length).sum();
      Map<Holding, Integer> writers =
          ShareOut.writers(holdings.stream().flatMap(Stream::of).map(List::of).toList());
      List<ShardFile[]> files =
          work.gather(ShardFile[].class, () -> writeShares(here, firstRank, writers));
      work.run(() -> publish(files, writers));
    } catch (UserException | UncheckedIOException e) {
      if (ranks.rank() == 0) {
        SaveFolders.abandon(folder, name, e);
      }
      throw e;
    }
  }

  private Holding[][] begin(List<RankTensors> here) throws IOException {
    if (lock != null) {
      lock.requireOwn();
    }
    if (ranks.rank() == 0) {
      Files.createDirectories(folder);
      SaveFolders.removeLeftovers(folder);
      SaveFolders.begin(folder, name);
    }
    return here.stream()
        .map(tensors -> tensors.holdings().toArray(Holding[]::new))
        .toArray(Holding[][]::new);
  }

  private ShardFile[] writeShares(
      List<RankTensors> here, int firstRank, Map<Holding, Integer> writers) throws IOException {
    Path saving = Files.createDirectories(SaveFolders.saving(folder, name));
    List<ShardFile> files = new ArrayList<>();
    for (int i = 0; i < here.size(); i++) {
      int rank = firstRank + i;
      for (Part part : Part.values()) {
        List<SourceTensor> tensors = here.get(i).share(part, writers, rank);
        if (!tensors.isEmpty()) {
          String file = fileName(part, rank);
          NewFile.Written written = ShardWriter.write(saving.resolve(file), tensors);
          files.add(new ShardFile(file, part, written.size(), written.crc32c()));
        }
      }
    }
    return files.toArray(ShardFile[]::new);
  }

  private static String fileName(Part part, int rank) {
    return "%s-rank%05d.safetensors".formatted(part.word(), rank);
  }

  private void publish(List<ShardFile[]> files, Map<Holding, Integer> writers) throws IOException {
    if (ranks.rank() > 0) {
      return;
    }
    Path saving = SaveFolders.saving(folder, name);
    Manifest.Builder manifest = new Manifest.Builder(state);
    for (int process = 0; process < files.size(); process++) {
      for (ShardFile file : files.get(process)) {
        requireVisible(saving, file, process);
        manifest.add(file);
      }
    }
    writers.forEach((holding, rank) -> manifest.add(fileName(holding.part(), rank), holding));
    ManifestFile.write(saving, manifest.build());
    SaveFolders.publish(folder, name);
    Tracker.write(folder, state.iteration());
  }

  private void requireVisible(Path saving, ShardFile file, int rank) throws IOException {
    Folders.list(saving); // makes a network file system look again
    Path path = saving.resolve(file.name());
    if (!Files.exists(path) || Files.size(path) != file.size()) {
      throw unseen(folder, file.name(), rank);
    }
  }

  /** That rank 0 does not see what another wrote. */
  static UserException unseen(Path folder, String file, int rank) {
    return new UserException(
        "%s: %s, which rank %d wrote, is not there (expected: one folder that all ranks see)."
                .formatted(folder, file, rank)
            + " Give --save a folder on a disk that all machines share.");
  }
}
