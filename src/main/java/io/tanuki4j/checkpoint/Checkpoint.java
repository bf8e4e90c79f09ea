package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.kernel.Device;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** One whole checkpoint: its state at once, its tensors when asked for. */
public final class Checkpoint {
  private final Path folder;
  private final Manifest manifest;

  Checkpoint(Path folder, Manifest manifest) {
    this.folder = folder;
    this.manifest = manifest;
  }

  /** For example {@code checkpoints/run7/iter_0000500}. */
  public Path folder() {
    return folder;
  }

  public TrainState state() {
    return manifest.state();
  }

  public boolean has(Part part) {
    return manifest.has(part);
  }

  /**
   * Fills memory with all tensors of a part, however they were cut when they were saved, after
   * comparing the checksums of the part's files.
   *
   * @param targets every tensor of the part; types may differ from the stored ones
   * @param vocabSize ids of the tokenizer; see {@link TrainState#vocabSize}
   * @throws IllegalArgumentException if the checkpoint lacks the part, does not fit or is damaged
   */
  public void load(Device device, Part part, List<ShardedTensor> targets, int vocabSize) {
    requirePart(part);
    Map<ShardedTensor, StoredTensor> matches =
        new Fit(folder, manifest, part).match(targets, vocabSize);
    try (OpenShards shards = OpenShards.open(folder, manifest, part)) {
      shards.verify();
      TensorLoader loader = new TensorLoader(shards, device);
      for (Map.Entry<ShardedTensor, StoredTensor> match : matches.entrySet()) {
        loader.load(match.getValue(), match.getKey());
      }
    } catch (IOException e) {
      throw IoFailure.reading(folder, e);
    }
  }

  /**
   * The files of a part, to read tensor by tensor.
   *
   * @throws IllegalArgumentException if the part or a file is missing or damaged
   */
  public OpenShards open(Part part) {
    requirePart(part);
    try {
      return OpenShards.open(folder, manifest, part);
    } catch (IOException e) {
      throw IoFailure.reading(folder, e);
    }
  }

  private void requirePart(Part part) {
    if (has(part)) {
      return;
    }
    throw new IllegalArgumentException(
        part == Part.MODEL
            ? folder + ": it has no model weights. Load another iteration with --ckpt-step"
            : folder + ": it has no optimizer state. Add --no-load-optim or --finetune");
  }
}
