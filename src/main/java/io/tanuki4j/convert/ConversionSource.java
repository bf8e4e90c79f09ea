package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TensorViews;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.convert.huggingface.HfModel;
import io.tanuki4j.model.ModelParameters;
import java.io.Closeable;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A model that is being converted, its tensors still in the files they come from.
 *
 * @param model its {@code vocabSize} is the number of stored rows, padding included
 * @param state of the run that it comes from; its {@code vocabSize} counts rows without padding
 * @param tensors under the names of this program
 * @param optimizer state of the optimizer; empty if there is none
 * @param fp8 scales of numbers of eight bits; empty if there are none
 */
public record ConversionSource(
    HfModel model,
    TrainState state,
    List<ShardedTensor> tensors,
    List<ShardedTensor> optimizer,
    List<ShardedTensor> fp8,
    Closeable files)
    implements Closeable {
  /** Makes a model without scales of numbers of eight bits. */
  public ConversionSource(
      HfModel model,
      TrainState state,
      List<ShardedTensor> tensors,
      List<ShardedTensor> optimizer,
      Closeable files) {
    this(model, state, tensors, optimizer, List.of(), files);
  }

  ConversionSource withVocabSize(@Nullable Integer size) {
    if (size == null) {
      return this;
    }
    TrainState other =
        new TrainState(
            state.iteration(),
            state.consumedTrainSamples(),
            state.consumedValidSamples(),
            size,
            state.optimizer(),
            state.schedule(),
            state.arguments());
    return new ConversionSource(model, other, tensors, optimizer, fp8, files);
  }

  static boolean isVocabulary(ShardedTensor tensor) {
    String name = "." + tensor.name();
    return name.endsWith(".embedding.weight") || name.endsWith(".output.weight");
  }

  /** Returns the number of vocabulary rows without padding. */
  public int vocabSize() {
    return state.vocabSize();
  }

  Map<String, @Nullable Object> arguments() {
    return new LinkedHashMap<>(state.arguments());
  }

  /** Returns the same model with another number of vocabulary rows. */
  public ConversionSource withRows(int rows) {
    return new ConversionSource(
        model, state, withRows(tensors, rows), withRows(optimizer, rows), fp8, files);
  }

  /**
   * Returns the same function without a scale after the embedding: its table is multiplied instead,
   * and the head keeps a table of its own.
   */
  public ConversionSource withoutEmbeddingScale() {
    double factor = model.shape().embeddingScale();
    if (factor == 1) {
      return this;
    }
    List<ShardedTensor> all = new ArrayList<>();
    for (ShardedTensor tensor : tensors) {
      boolean isEmbedding = tensor.name().equals(ModelParameters.EMBEDDING);
      all.add(isEmbedding ? TensorViews.scaled(tensor, factor) : tensor);
      if (isEmbedding && model.shape().embeddings().tied()) {
        all.add(tensor.renamed(ModelParameters.OUTPUT));
      }
    }
    return new ConversionSource(model.withoutEmbeddingScale(), state, all, optimizer, fp8, files);
  }

  /** Returns the same model with its weights in another type; see {@link ConversionTarget}. */
  ConversionSource retyped(@Nullable ElementType type) {
    return new ConversionSource(
        model, state, ConversionTarget.retyped(tensors, type), optimizer, fp8, files);
  }

  static List<ShardedTensor> withRows(List<ShardedTensor> tensors, int rows) {
    return tensors.stream()
        .map(tensor -> isVocabulary(tensor) ? TensorViews.withRows(tensor, rows) : tensor)
        .toList();
  }

  @Override
  public void close() throws IOException {
    files.close();
  }
}
