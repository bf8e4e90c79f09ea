package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.OpenShards;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.StateKind;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.convert.huggingface.HfFolder;
import io.tanuki4j.convert.huggingface.HfModel;
import io.tanuki4j.convert.huggingface.HfTensor;
import io.tanuki4j.convert.megatron.MegatronFolder;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
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
 */
public record ConversionSource(
    HfModel model,
    TrainState state,
    List<ShardedTensor> tensors,
    List<ShardedTensor> optimizer,
    Closeable files)
    implements Closeable {
  /** Megatron's iteration of a model that this program has not trained. */
  private static final int FIRST_ITERATION = 1;

  public static ConversionSource ofHuggingFace(Path folder, @Nullable Integer trueVocabSize)
      throws IOException {
    HfFolder opened = HfFolder.open(folder);
    HfModel model = opened.model();
    int vocabSize = trueVocabSize == null ? model.vocabSize() : trueVocabSize;
    TrainState state =
        new TrainState(
            FIRST_ITERATION, 0, 0, vocabSize, Map.of(), Map.of(), model.toArguments());
    return new ConversionSource(model, state, opened.tensors(), List.of(), opened);
  }

  /**
   * Opens a checkpoint of Megatron-LM, and takes its weights only.
   *
   * @param iteration null for the latest
   */
  public static ConversionSource ofMegatron(
      Path folder, @Nullable Integer iteration, @Nullable Integer trueVocabSize)
      throws IOException {
    MegatronFolder opened = MegatronFolder.open(folder, iteration);
    try {
      int rows = opened.vocabularyRows();
      HfModel model =
          HfModel.ofArguments(opened.folder().toString(), opened.arguments(), rows);
      TrainState state =
          new TrainState(
              opened.iteration(),
              opened.count("consumed_train_samples"),
              opened.count("consumed_valid_samples"),
              trueVocabSize == null ? rows : trueVocabSize,
              Map.of(),
              Map.of(),
              opened.arguments());
      return new ConversionSource(model, state, opened.tensors(model.shape()), List.of(), opened)
          .requireShapes();
    } catch (RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  private ConversionSource requireShapes() {
    Map<String, Shape> expected = HfTensor.shapes(model.shape());
    for (ShardedTensor tensor : tensors) {
      Shape shape = expected.get(tensor.name());
      if (shape == null || !tensor.shape().equals(shape)) {
        throw new UserException(
            "%s of the checkpoint is %s (expected by its args: %s), so it is damaged."
                .formatted(tensor.name(), tensor.shape(), shape));
      }
    }
    return this;
  }

  /**
   * Opens a checkpoint of this program.
   *
   * @param checkpoint verified first against its checksums
   * @param withOptimizer whether to include the optimizer's state, if there is any
   * @throws UserException if it is damaged
   */
  public static ConversionSource ofCheckpoint(
      Checkpoint checkpoint, @Nullable Integer trueVocabSize, boolean withOptimizer)
      throws IOException {
    OpenFiles files = new OpenFiles(new ArrayList<>());
    try {
      List<ShardedTensor> tensors = files.open(checkpoint, StateKind.MODEL);
      List<ShardedTensor> optimizer =
          withOptimizer && checkpoint.has(StateKind.OPTIMIZER)
              ? files.open(checkpoint, StateKind.OPTIMIZER)
              : List.of();
      return of(checkpoint, tensors, optimizer, files).withVocabSize(trueVocabSize);
    } catch (IOException | RuntimeException e) {
      files.close();
      throw e;
    }
  }

  private static ConversionSource of(
      Checkpoint checkpoint,
      List<ShardedTensor> tensors,
      List<ShardedTensor> optimizer,
      Closeable files) {
    TrainState state = checkpoint.state();
    int rows = vocabularyRows(checkpoint, tensors);
    HfModel model =
        HfModel.ofArguments(checkpoint.folder().toString(), state.arguments(), rows);
    return new ConversionSource(model, state, tensors, optimizer, files)
        .withVocabSize(state.vocabSize() == 0 ? rows : null);
  }

  /** The open files of both parts. */
  private record OpenFiles(List<OpenShards> shards) implements Closeable {
    List<ShardedTensor> open(Checkpoint checkpoint, StateKind part) throws IOException {
      OpenShards opened = checkpoint.open(part);
      shards.add(opened);
      opened.verify();
      return opened.tensors();
    }

    @Override
    public void close() throws IOException {
      for (OpenShards opened : shards) {
        opened.close();
      }
    }
  }

  private ConversionSource withVocabSize(@Nullable Integer size) {
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
    return new ConversionSource(model, other, tensors, optimizer, files);
  }

  private static int vocabularyRows(Checkpoint checkpoint, List<ShardedTensor> tensors) {
    return tensors.stream()
        .filter(ConversionSource::isVocabulary)
        .mapToInt(tensor -> Math.toIntExact(tensor.shape().dim(0)))
        .findFirst()
        .orElseThrow(
            () -> new UserException(checkpoint.folder() + ": it has no tensor embedding.weight."));
  }

  private static boolean isVocabulary(ShardedTensor tensor) {
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
        model, state, withRows(tensors, rows), withRows(optimizer, rows), files);
  }

  static List<ShardedTensor> withRows(List<ShardedTensor> tensors, int rows) {
    return tensors.stream()
        .map(tensor -> isVocabulary(tensor) ? tensor.withRows(rows) : tensor)
        .toList();
  }

  @Override
  public void close() throws IOException {
    files.close();
  }
}
