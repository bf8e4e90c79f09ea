package io.tanuki4j.convert.huggingface;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.StagedWriter;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.checkpoint.disk.NewFolder;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Writes a Llama folder that transformers loads. The folder appears when it is complete. */
public final class HfWriter {
  private final Path folder;
  private final HfModel model;
  private final Map<String, byte[]> tokenizer;
  private final long maxShardBytes;

  /**
   * Prepares to write.
   *
   * @param folder must not exist, or be empty
   * @param tokenizer contents of its files by name; empty to leave it out
   * @param maxShardBytes limit for each file of weights; only a single larger tensor exceeds it
   */
  public HfWriter(Path folder, HfModel model, Map<String, byte[]> tokenizer, long maxShardBytes) {
    this.folder = folder;
    this.model = model;
    this.tokenizer = tokenizer;
    this.maxShardBytes = maxShardBytes;
  }

  /** Returns whether transformers has a model's layers; its embedding may be scaled. */
  public static boolean holds(ModelConfig model) {
    return HfArchitecture.find(model.withoutEmbeddingScale()).isPresent();
  }

  /**
   * Writes the folder.
   *
   * @param tensors under the names of this program
   * @throws UserException if the folder is not empty, or the tensors do not match the configuration
   */
  public void write(List<ShardedTensor> tensors) throws IOException {
    if (!Folders.list(folder).isEmpty() || Files.isRegularFile(folder)) {
      throw new UserException(
          folder + ": it is not empty (expected: a new folder). Give another one.");
    }
    List<ShardedTensor> theirs = inTheirNames(tensors);
    NewFolder.write(folder, saving -> write(saving, theirs));
  }

  private void write(Path saving, List<ShardedTensor> theirs) throws IOException {
    HfConfigWriter.write(saving, model, theirs.get(0).type());
    for (Map.Entry<String, byte[]> file : tokenizer.entrySet()) {
      NewFile.write(saving.resolve(file.getKey()), file.getValue());
    }
    writeWeights(saving, theirs);
  }

  private List<ShardedTensor> inTheirNames(List<ShardedTensor> tensors) {
    Map<String, ShardedTensor> byName = new HashMap<>();
    tensors.forEach(tensor -> byName.put(tensor.name(), tensor));
    List<ShardedTensor> theirs = new ArrayList<>();
    for (HfTensor tensor : HfTensor.of(model.shape())) {
      ShardedTensor source = byName.remove(tensor.ours());
      if (source == null || !source.shape().equals(tensor.shape())) {
        throw new UserException(
            "the checkpoint's %s is %s (expected from its arguments: %s)."
                .formatted(
                    tensor.ours(), source == null ? "missing" : source.shape(), tensor.shape()));
      }
      theirs.add(source.renamed(tensor.theirs()));
    }
    if (!byName.isEmpty()) {
      throw new UserException(
          "the checkpoint has tensors that a Llama has not: %s."
              .formatted(String.join(", ", new TreeMap<>(byName).keySet())));
    }
    return theirs;
  }

  private void writeWeights(Path saving, List<ShardedTensor> tensors) throws IOException {
    List<List<ShardedTensor>> shards = shards(tensors);
    if (shards.size() == 1) {
      StagedWriter.writeFile(saving.resolve(WeightFiles.SINGLE), tensors);
      return;
    }
    Map<String, String> weightMap = new TreeMap<>();
    for (int i = 0; i < shards.size(); i++) {
      String name = "model-%05d-of-%05d.safetensors".formatted(i + 1, shards.size());
      StagedWriter.writeFile(saving.resolve(name), shards.get(i));
      shards.get(i).forEach(tensor -> weightMap.put(tensor.name(), name));
    }
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put(
        "total_parameters", tensors.stream().mapToLong(t -> t.shape().numElements()).sum());
    metadata.put("total_size", tensors.stream().mapToLong(ShardedTensor::numBytes).sum());
    Map<String, Object> index = new LinkedHashMap<>();
    index.put("metadata", metadata);
    index.put("weight_map", weightMap);
    HfConfigWriter.writeJson(saving.resolve(WeightFiles.INDEX), index);
  }

  /** Fills file after file in the order of the model. */
  private List<List<ShardedTensor>> shards(List<ShardedTensor> tensors) {
    List<List<ShardedTensor>> shards = new ArrayList<>();
    List<ShardedTensor> shard = new ArrayList<>();
    long bytes = 0;
    for (ShardedTensor tensor : tensors) {
      if (!shard.isEmpty() && bytes + tensor.numBytes() > maxShardBytes) {
        shards.add(shard);
        shard = new ArrayList<>();
        bytes = 0;
      }
      shard.add(tensor);
      bytes += tensor.numBytes();
    }
    shards.add(shard);
    return shards;
  }
}
