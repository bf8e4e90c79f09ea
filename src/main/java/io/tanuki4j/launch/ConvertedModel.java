package io.tanuki4j.launch;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.OpenShards;
import io.tanuki4j.checkpoint.Part;
import io.tanuki4j.checkpoint.SourceTensor;
import io.tanuki4j.checkpoint.huggingface.HfFolder;
import io.tanuki4j.checkpoint.huggingface.HfLlamaConfig;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model that is being converted, its tensors still in the files they come from.
 *
 * @param config its {@code vocabSize} is the number of stored rows, padding included
 * @param arguments under Megatron's attribute names
 * @param vocabSize rows that are no padding
 * @param tensors under the names of this program
 */
record ConvertedModel(
    HfLlamaConfig config,
    Map<String, @Nullable Object> arguments,
    int vocabSize,
    List<SourceTensor> tensors,
    Closeable files)
    implements Closeable {

  static ConvertedModel ofHuggingFace(Path folder, @Nullable Integer trueVocabSize)
      throws IOException {
    HfFolder opened = HfFolder.open(folder);
    HfLlamaConfig config = opened.config();
    Map<String, @Nullable Object> arguments = LlamaArguments.of(config, config.vocabSize());
    int vocabSize = trueVocabSize == null ? config.vocabSize() : trueVocabSize;
    return new ConvertedModel(config, arguments, vocabSize, opened.tensors(), opened);
  }

  /**
   * @param iteration null for the latest
   * @throws IllegalArgumentException if there is no checkpoint, or it is damaged
   */
  static ConvertedModel ofCheckpoint(
      Path folder, @Nullable Integer iteration, @Nullable Integer trueVocabSize)
      throws IOException {
    CheckpointStore store = new CheckpointStore(folder);
    Checkpoint checkpoint =
        iteration != null
            ? store.at(iteration)
            : store
                .latest()
                .orElseThrow(
                    () ->
                        new IllegalArgumentException(
                            store.trackerFile() + ": there is no such file, so no checkpoint"));
    OpenShards shards = checkpoint.open(Part.MODEL);
    try {
      shards.verify();
      return of(checkpoint, shards, trueVocabSize);
    } catch (IOException | RuntimeException e) {
      shards.close();
      throw e;
    }
  }

  private static ConvertedModel of(
      Checkpoint checkpoint, OpenShards shards, @Nullable Integer trueVocabSize) {
    List<SourceTensor> tensors = shards.tensors();
    int rows = vocabularyRows(checkpoint, tensors);
    Map<String, Object> arguments = checkpoint.state().arguments();
    HfLlamaConfig config = LlamaArguments.toConfig(checkpoint.folder().toString(), arguments, rows);
    int known = checkpoint.state().vocabSize() == 0 ? rows : checkpoint.state().vocabSize();
    int vocabSize = trueVocabSize == null ? known : trueVocabSize;
    return new ConvertedModel(config, new LinkedHashMap<>(arguments), vocabSize, tensors, shards);
  }

  private static int vocabularyRows(Checkpoint checkpoint, List<SourceTensor> tensors) {
    return tensors.stream()
        .filter(ConvertedModel::isVocabulary)
        .mapToInt(tensor -> Math.toIntExact(tensor.shape().dim(0)))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    checkpoint.folder() + ": it has no tensor embedding.weight"));
  }

  private static boolean isVocabulary(SourceTensor tensor) {
    return tensor.name().equals("embedding.weight") || tensor.name().equals("output.weight");
  }

  /** The tensors with other numbers of rows of the vocabulary. */
  List<SourceTensor> tensorsWithRows(int rows) {
    return tensors.stream()
        .map(tensor -> isVocabulary(tensor) ? tensor.withRows(rows) : tensor)
        .toList();
  }

  /** The same model with other numbers of rows of the vocabulary. */
  ConvertedModel withRows(int rows) {
    return new ConvertedModel(config, arguments, vocabSize, tensorsWithRows(rows), files);
  }

  @Override
  public void close() throws IOException {
    files.close();
  }
}
