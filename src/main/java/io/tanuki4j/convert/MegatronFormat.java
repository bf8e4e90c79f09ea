package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.CheckpointFolders;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.convert.huggingface.HfModel;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.megatron.MegatronFolder;
import io.tanuki4j.megatron.MegatronWriter;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tokenizer.HuggingFaceFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Checkpoints of Megatron-LM: read with the optimizer's state where it is whole, written without.
 */
public final class MegatronFormat implements ForeignFormat {
  /** Megatron's default of --make-vocab-size-divisible-by. */
  private static final int VOCABULARY_UNIT = 128;

  @Override
  public List<String> names() {
    return List.of("megatron", "mcore", "core");
  }

  @Override
  public ConversionSource open(ConvertOptions options, boolean withOptimizer) throws IOException {
    return open(
        MegatronFolder.open(options.loadDir(), options.ckptStep, withOptimizer),
        options.trueVocabSize);
  }

  /**
   * Opens a checkpoint, and takes its weights only.
   *
   * @param iteration null for the latest
   * @param trueVocabSize rows that are no padding; null for all
   */
  public static ConversionSource open(
      Path folder, @Nullable Integer iteration, @Nullable Integer trueVocabSize)
      throws IOException {
    return open(MegatronFolder.open(folder, iteration, false), trueVocabSize);
  }

  private static ConversionSource open(MegatronFolder opened, @Nullable Integer trueVocabSize)
      throws IOException {
    try {
      opened.requireOptimizer();
      opened.verify();
      HfModel model =
          HfModel.ofArguments(
              opened.folder().toString(), opened.arguments(), opened.vocabularyRows());
      List<ShardedTensor> tensors = opened.tensors(model.shape());
      requireShapes(tensors, ModelParameters.globalShapes(model.shape()));
      List<ShardedTensor> optimizer = opened.optimizerTensors(model.shape());
      return new ConversionSource(model, opened.state(), tensors, optimizer, opened)
          .withVocabSize(trueVocabSize);
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  /**
   * Returns the tensors that are read back as they are. A norm's weight may change in the last bit
   * where 1 is taken off and added again.
   */
  private static List<ShardedTensor> exact(ConversionTarget checkpoint) {
    boolean normsLessOne =
        Boolean.TRUE.equals(checkpoint.state().arguments().get("apply_layernorm_1p"));
    return checkpoint.tensors().stream()
        .filter(tensor -> !normsLessOne || !tensor.name().endsWith("norm.weight"))
        .toList();
  }

  private static void requireShapes(List<ShardedTensor> tensors, Map<String, Shape> expected) {
    for (ShardedTensor tensor : tensors) {
      Shape shape = expected.get(tensor.name());
      if (shape == null || !tensor.shape().equals(shape)) {
        throw new UserException(
            "%s of the checkpoint is %s (expected by its args: %s), so it is damaged."
                .formatted(tensor.name(), tensor.shape(), shape));
      }
    }
  }

  @Override
  public void write(ConversionSource model, ConvertOptions options, PrintWriter out)
      throws IOException {
    if (!options.addsIteration() && CheckpointFolders.latest(options.saveDir()).isPresent()) {
      throw new UserException(
          options.saveDir() + ": there are checkpoints already. Give another --save-dir.");
    }
    ConversionTarget checkpoint =
        ConversionTarget.of(model, options, HuggingFaceFiles.NONE).shareable(VOCABULARY_UNIT);
    ParallelDims dims = checkpoint.dims();
    MegatronWriter.Target target =
        new MegatronWriter.Target(dims.tp(), dims.pp(), options.savesTransformerEngine());
    Path saved =
        new MegatronWriter(options.saveDir(), model.model().shape(), target)
            .write(checkpoint.state(), ConvertProgress.counted(out, "wrote", checkpoint.tensors()));
    if (!options.noChecking) {
      try (ConversionSource written = open(saved, null, null)) {
        TensorComparison.requireEqual(
            ConvertProgress.counted(out, "checked", exact(checkpoint)), written.tensors());
      }
    }
    if (model.model().shape().embeddings().scaled()) {
      out.println(
          " > use_embedding_scaling is true: llm-jp's Megatron-LM scales with it, NVIDIA's ignores"
              + " it");
    }
    out.printf(
        " > %d tensors in Megatron's format torch, tp %d x pp %d, weights only: %s%n",
        checkpoint.tensors().size(), dims.tp(), dims.pp(), saved);
    out.flush();
  }
}
