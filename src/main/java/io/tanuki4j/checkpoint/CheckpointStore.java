package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.kernel.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A folder of checkpoints: {@code iter_0000500/} with {@code manifest.json} and safetensors files
 * of model and optimizer, and {@code latest_checkpointed_iteration.txt}.
 *
 * <p>A checkpoint is written as {@code iter_0000500.saving}, synchronised to the disk and renamed;
 * then the tracker is. One of the same iteration steps aside as {@code iter_0000500.replaced} until
 * the new one is in place. Whatever byte a kill falls on, {@link #latest} finds a whole checkpoint,
 * and the next save removes what was left.
 */
public final class CheckpointStore {
  private final Path folder;

  public CheckpointStore(Path folder) {
    this.folder = folder;
  }

  public Path folder() {
    return folder;
  }

  /** The file that names the latest checkpoint, for messages. */
  public Path trackerFile() {
    return folder.resolve(Tracker.NAME);
  }

  /**
   * The checkpoint that the tracker names; empty if there is no tracker.
   *
   * @throws IllegalArgumentException if the tracker or the checkpoint is damaged or foreign
   */
  public Optional<Checkpoint> latest() {
    try {
      Optional<String> name = Tracker.read(folder);
      if (name.isEmpty()) {
        ForeignFolder.refuse(folder);
        return Optional.empty();
      }
      return Optional.of(open(name.get()));
    } catch (IOException e) {
      throw IoFailure.reading(folder, e);
    }
  }

  /**
   * The checkpoint of an iteration, whatever the tracker says.
   *
   * @throws IllegalArgumentException if there is none, or it is damaged or foreign
   */
  public Checkpoint at(long iteration) {
    try {
      return open(Tracker.folderName(iteration));
    } catch (IOException e) {
      throw IoFailure.reading(folder, e);
    }
  }

  /** The iterations that can be loaded, in rising order. */
  public List<Long> iterations() {
    try {
      return SaveFolders.iterations(folder);
    } catch (IOException e) {
      throw IoFailure.reading(folder, e);
    }
  }

  private Checkpoint open(String name) throws IOException {
    Path whole = SaveFolders.whole(folder, name);
    if (!Files.exists(whole.resolve(ManifestFile.NAME))) {
      ForeignFolder.refuse(whole);
      throw new IllegalArgumentException(
          "%s: %s. Iterations that can be loaded with --ckpt-step: %s"
              .formatted(
                  whole,
                  Files.exists(whole)
                      ? "it has no " + ManifestFile.NAME + ", so it is no whole checkpoint"
                      : "there is no such checkpoint",
                  iterations().isEmpty() ? "none" : iterations()));
    }
    return new Checkpoint(whole, ManifestFile.read(whole));
  }

  /**
   * Saves device memory; visible to {@link #latest} only when all of it is on the disk.
   *
   * @param optimizer empty to leave it out
   */
  public void save(
      Device device, TrainState state, List<ShardedTensor> model, List<ShardedTensor> optimizer) {
    save(
        state,
        model.stream().map(tensor -> SourceTensor.of(device, tensor)).toList(),
        optimizer.stream().map(tensor -> SourceTensor.of(device, tensor)).toList());
  }

  /** Saves tensors from anywhere. */
  public void save(TrainState state, List<SourceTensor> model, List<SourceTensor> optimizer) {
    String name = Tracker.folderName(state.iteration());
    try {
      Files.createDirectories(folder);
      SaveFolders.removeLeftovers(folder);
      Path saving = SaveFolders.begin(folder, name);
      writeAll(saving, state, model, optimizer);
      SaveFolders.publish(folder, name);
      Tracker.write(folder, state.iteration());
    } catch (IOException e) {
      SaveFolders.abandon(folder, name, e);
      throw IoFailure.saving(folder, state.iteration(), e);
    }
  }

  private static void writeAll(
      Path saving, TrainState state, List<SourceTensor> model, List<SourceTensor> optimizer)
      throws IOException {
    Manifest.Builder manifest = new Manifest.Builder(state);
    write(saving, Part.MODEL, model, manifest);
    if (!optimizer.isEmpty()) {
      write(saving, Part.OPTIMIZER, optimizer, manifest);
    }
    ManifestFile.write(saving, manifest.build());
  }

  private static void write(
      Path saving, Part part, List<SourceTensor> tensors, Manifest.Builder manifest)
      throws IOException {
    String name = part.word() + "-rank00000.safetensors";
    NewFile.Written written = ShardWriter.write(saving.resolve(name), tensors);
    manifest.add(new ShardFile(name, part, written.size(), written.crc32c()), tensors);
  }
}
