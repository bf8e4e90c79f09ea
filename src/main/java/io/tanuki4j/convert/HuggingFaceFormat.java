package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.convert.huggingface.HfFolder;
import io.tanuki4j.convert.huggingface.HfModel;
import io.tanuki4j.convert.huggingface.HfWriter;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.tokenizer.HuggingFaceFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Llama folders of the transformers library: weights only. */
public final class HuggingFaceFormat implements ForeignFormat {
  /** Megatron's iteration of a model that this program has not trained. */
  private static final int FIRST_ITERATION = 1;

  @Override
  public List<String> names() {
    return List.of("hf", "llama2_hf", "llama3_hf", "llama_mistral");
  }

  @Override
  public String whyWhole() {
    return "A Hugging Face folder is not split by ranks.";
  }

  @Override
  public ConversionSource open(ConvertOptions options, boolean withOptimizer) throws IOException {
    return open(options.loadDir(), options.trueVocabSize);
  }

  /**
   * Opens a folder.
   *
   * @param trueVocabSize rows that are no padding; null for all
   */
  public static ConversionSource open(Path folder, @Nullable Integer trueVocabSize)
      throws IOException {
    HfFolder opened = HfFolder.open(folder);
    HfModel model = opened.model();
    TrainState state =
        new TrainState(
            FIRST_ITERATION,
            0,
            0,
            trueVocabSize == null ? model.vocabSize() : trueVocabSize,
            Map.of(),
            Map.of(),
            model.toArguments());
    return new ConversionSource(model, state, opened.tensors(), List.of(), opened);
  }

  @Override
  public HuggingFaceFiles tokenizer(ConvertOptions options, ConversionSource model)
      throws IOException {
    return HuggingFaceFiles.of(options.loadDir());
  }

  @Override
  public void write(ConversionSource stored, ConvertOptions options, PrintWriter out)
      throws IOException {
    ConversionSource model =
        stored.withRows(stored.vocabSize()).retyped(options.type()).withoutEmbeddingScale();
    List<ShardedTensor> tensors = model.tensors();
    if (stored.model().shape().embeddings().scaled()) {
      out.println(
          " > embed_tokens holds the embedding times sqrt(hidden size), and lm_head a table of its"
              + " own: transformers' models do not scale");
    }
    ExportedTokenizer tokenizer = ExportedTokenizer.of(options, model);
    HfModel exported = tokenizer.exported();
    new HfWriter(options.saveDir(), exported, tokenizer.files(), options.maxShardBytes())
        .write(ConvertProgress.counted(out, "wrote", tensors));
    if (!options.noChecking) {
      try (HfFolder written = HfFolder.open(options.saveDir())) {
        TensorComparison.requireEqual(
            ConvertProgress.counted(out, "checked", tensors), written.tensors());
      }
    }
    out.printf(
        " > %d tensors, vocabulary of %d, tokenizer %s: %s%n",
        tensors.size(), exported.vocabSize(), tokenizer.told(), options.saveDir());
    out.flush();
  }
}
