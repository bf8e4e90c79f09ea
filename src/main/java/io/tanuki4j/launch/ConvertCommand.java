package io.tanuki4j.launch;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.OpenShards;
import io.tanuki4j.checkpoint.Part;
import io.tanuki4j.checkpoint.SourceTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.huggingface.HfFolder;
import io.tanuki4j.checkpoint.huggingface.HfLlamaConfig;
import io.tanuki4j.checkpoint.huggingface.HfWriter;
import io.tanuki4j.checkpoint.safetensors.ElementType;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Weights from one format into another, tensor by tensor in little memory. */
@Command(
    name = "convert",
    description = {
      "Converts a model between Hugging Face folders and checkpoints of this program.",
      "Optimizer state is not converted: load the result with --finetune, or with"
          + " --no-load-optim --no-load-rng."
    })
final class ConvertCommand implements Callable<Integer> {
  /** Megatron's iteration of converted checkpoints. */
  private static final int ITERATION = 1;

  @Mixin final ConvertOptions options = new ConvertOptions();
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    options.validate();
    try (ConvertedModel model = load()) {
      checkVocabulary(model);
      if (options.savesHuggingFace()) {
        saveHuggingFace(model);
      } else {
        saveCheckpoint(model);
      }
    }
    return 0;
  }

  private ConvertedModel load() throws IOException {
    return options.loadsHuggingFace()
        ? ConvertedModel.ofHuggingFace(options.loadDir(), options.trueVocabSize)
        : ConvertedModel.ofCheckpoint(options.loadDir(), options.ckptStep, options.trueVocabSize);
  }

  private void checkVocabulary(ConvertedModel model) {
    int rows = model.config().vocabSize();
    if (model.vocabSize() > rows) {
      throw new IllegalArgumentException(
          "--true-vocab-size: %d (expected: at most the %d rows of the model in %s)"
              .formatted(model.vocabSize(), rows, options.loadDir()));
    }
  }

  private void saveCheckpoint(ConvertedModel model) throws IOException {
    CheckpointStore store = new CheckpointStore(options.saveDir());
    if (store.latest().isPresent()) {
      throw new IllegalArgumentException(
          store.trackerFile() + ": there are checkpoints already. Give another --save-dir");
    }
    int rows = options.paddedVocabSize(model.vocabSize());
    List<SourceTensor> tensors = retyped(padded(model, rows));
    store.save(state(model, rows), counted(tensors, "wrote"), List.of());
    Checkpoint saved = store.at(ITERATION);
    if (!options.noChecking) {
      try (OpenShards shards = saved.open(Part.MODEL)) {
        requireEqual(tensors, shards.tensors());
      }
    }
    out()
        .printf(
            " > %d tensors, vocabulary of %d in %d rows: %s%n",
            tensors.size(), model.vocabSize(), rows, saved.folder());
    out().flush();
  }

  /** Padding rows are kept as they are, unless the user says where they begin. */
  private List<SourceTensor> padded(ConvertedModel model, int rows) {
    return options.trueVocabSize == null
        ? model.tensorsWithRows(rows)
        : model.withRows(model.vocabSize()).tensorsWithRows(rows);
  }

  private TrainState state(ConvertedModel model, int rows) {
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>(model.arguments());
    arguments.put("padded_vocab_size", rows);
    arguments.put("make_vocab_size_divisible_by", options.makeVocabSizeDivisibleBy);
    arguments.put("bf16", retyped(model.tensors()).get(0).type() == ElementType.BF16);
    if (options.tokenizerModel != null) {
      arguments.put("tokenizer_model", options.tokenizerModel.toString());
    }
    if (options.tokenizerType != null) {
      arguments.put("tokenizer_type", options.tokenizerType);
    }
    return new TrainState(ITERATION, 0, 0, model.vocabSize(), Map.of(), Map.of(), arguments);
  }

  private void saveHuggingFace(ConvertedModel model) throws IOException {
    List<SourceTensor> tensors = retyped(model.tensorsWithRows(model.vocabSize()));
    ExportedTokenizer tokenizer = ExportedTokenizer.of(options, model);
    HfLlamaConfig config = tokenizer.config();
    new HfWriter(options.saveDir(), config, tokenizer.files(), options.maxShardBytes())
        .write(counted(tensors, "wrote"));
    if (!options.noChecking) {
      try (HfFolder written = HfFolder.open(options.saveDir())) {
        requireEqual(tensors, written.tensors());
      }
    }
    out()
        .printf(
            " > %d tensors, vocabulary of %d, tokenizer %s: %s%n",
            tensors.size(),
            config.vocabSize(),
            tokenizer.files() == null ? "not written (no --tokenizer-model)" : "written",
            options.saveDir());
    out().flush();
  }

  /** In the type that is asked for; F16, which nothing here computes in, becomes F32. */
  private List<SourceTensor> retyped(List<SourceTensor> tensors) {
    ElementType asked = options.type();
    return tensors.stream()
        .map(
            tensor -> {
              ElementType kept = tensor.type() == ElementType.F16 ? ElementType.F32 : tensor.type();
              return tensor.as(asked == null ? kept : asked);
            })
        .toList();
  }

  private List<SourceTensor> counted(List<SourceTensor> tensors, String verb) {
    ConvertProgress progress = new ConvertProgress(out(), verb, tensors);
    return tensors.stream().map(tensor -> tensor.observed(progress::add)).toList();
  }

  /** Reads both again and compares every byte. */
  private void requireEqual(List<SourceTensor> expected, List<SourceTensor> written)
      throws IOException {
    TensorComparison.requireEqual(counted(expected, "checked"), written);
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}
