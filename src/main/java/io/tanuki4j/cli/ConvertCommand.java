package io.tanuki4j.cli;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.OpenShards;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.StateKind;
import io.tanuki4j.convert.CarriedTokenizer;
import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.ConversionTarget;
import io.tanuki4j.convert.ConvertProgress;
import io.tanuki4j.convert.ExportedTokenizer;
import io.tanuki4j.convert.TensorComparison;
import io.tanuki4j.convert.huggingface.HfFolder;
import io.tanuki4j.convert.huggingface.HfModel;
import io.tanuki4j.convert.huggingface.HfWriter;
import io.tanuki4j.convert.megatron.MegatronTarget;
import io.tanuki4j.convert.megatron.MegatronWriter;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.tokenizer.HuggingFaceFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Converts weights from one format to another, tensor by tensor in little memory. */
@Command(
    name = "convert",
    description = {
      "Converts a model between Hugging Face folders, checkpoints of Megatron-LM and of this program, and"
          + " checkpoints into the shards of another number of ranks.",
      "From checkpoint to checkpoint all of the run's state is kept. A Hugging Face folder has only"
          + " weights: load what comes from one with --finetune, or with --no-load-optim"
          + " --no-load-rng."
    })
public final class ConvertCommand implements Callable<Integer> {
  /** Megatron's default of --make-vocab-size-divisible-by. */
  private static final int VOCABULARY_UNIT = 128;

  @Mixin final ConvertOptions options = new ConvertOptions();
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    options.validate();
    try (ConversionSource model = load()) {
      checkVocabulary(model);
      if (options.savesHuggingFace()) {
        saveHuggingFace(model);
      } else if (options.savesMegatron()) {
        saveMegatron(model);
      } else {
        saveCheckpoint(model);
      }
    }
    return 0;
  }

  private ConversionSource load() throws IOException {
    if (options.loadsHuggingFace()) {
      return ConversionSource.ofHuggingFace(options.loadDir(), options.trueVocabSize);
    }
    if (options.loadsMegatron()) {
      return ConversionSource.ofMegatron(
          options.loadDir(), options.ckptStep, options.trueVocabSize);
    }
    CheckpointStore store = new CheckpointStore(options.loadDir());
    Checkpoint checkpoint =
        options.ckptStep != null
            ? store.at(options.ckptStep)
            : store
                .latest()
                .orElseThrow(
                    () ->
                        new UserException(
                            store.trackerFile()
                                + ": there is no such file, so no checkpoint. Check --load-dir."));
    boolean withOptimizer =
        !options.savesHuggingFace() && !options.savesMegatron() && !options.noLoadOptim;
    return ConversionSource.ofCheckpoint(checkpoint, options.trueVocabSize, withOptimizer);
  }

  private void checkVocabulary(ConversionSource model) {
    int rows = model.model().vocabSize();
    if (model.vocabSize() > rows) {
      throw new UserException(
          "--true-vocab-size: %d (expected: at most the %d rows of the model in %s)."
              .formatted(model.vocabSize(), rows, options.loadDir()));
    }
  }

  private void saveCheckpoint(ConversionSource model) throws IOException {
    try (CheckpointStore store = new CheckpointStore(options.saveDir())) {
      if (store.latest().isPresent()) {
        throw new UserException(
            store.trackerFile() + ": there are checkpoints already. Give another --save-dir.");
      }
      ExportedTokenizer.check(options, model);
      HuggingFaceFiles tokenizerFiles = CarriedTokenizer.of(options, model);
      ConversionTarget checkpoint = ConversionTarget.of(model, options, tokenizerFiles);
      store.requireWritable();
      store.lock(out()::println);
      if (!tokenizerFiles.isEmpty()) {
        CarriedTokenizer.copy(tokenizerFiles, options.saveDir());
      }
      save(checkpoint, store);
    }
  }

  private void save(ConversionTarget checkpoint, CheckpointStore store) throws IOException {
    List<ShardedTensor> all = checkpoint.all();
    ConvertProgress progress = new ConvertProgress(out(), "wrote", all);
    store.save(checkpoint.state(), checkpoint.ranks(progress::add));
    Checkpoint saved = store.at(checkpoint.state().iteration());
    if (!options.noChecking) {
      check(checkpoint, saved);
    }
    out().println(" > %s: %s".formatted(checkpoint, saved.folder()));
    out().flush();
  }

  private void check(ConversionTarget expected, Checkpoint saved) throws IOException {
    try (OpenShards shards = saved.open(StateKind.MODEL)) {
      requireEqual(expected.tensors(), shards.tensors());
    }
    if (!expected.optimizer().isEmpty()) {
      try (OpenShards shards = saved.open(StateKind.OPTIMIZER)) {
        requireEqual(expected.optimizer(), shards.tensors());
      }
    }
  }

  private void saveMegatron(ConversionSource model) throws IOException {
    ConversionTarget checkpoint =
        ConversionTarget.of(model, options, HuggingFaceFiles.NONE).shareable(VOCABULARY_UNIT);
    ParallelDims dims = checkpoint.dims();
    MegatronTarget target =
        new MegatronTarget(dims.tp(), dims.pp(), options.savesTransformerEngine());
    Path saved =
        new MegatronWriter(options.saveDir(), model.model().shape(), target)
            .write(checkpoint.state(), counted(checkpoint.tensors(), "wrote"));
    if (!options.noChecking) {
      try (ConversionSource written = ConversionSource.ofMegatron(saved, null, null)) {
        requireEqual(checkpoint.tensors(), written.tensors());
      }
    }
    out()
        .printf(
            " > %d tensors in Megatron's format torch, tp %d x pp %d, weights only: %s%n",
            checkpoint.tensors().size(), dims.tp(), dims.pp(), saved);
    out().flush();
  }

  private void saveHuggingFace(ConversionSource model) throws IOException {
    List<ShardedTensor> tensors =
        ConversionTarget.retyped(model.withRows(model.vocabSize()).tensors(), options.type());
    ExportedTokenizer tokenizer = ExportedTokenizer.of(options, model);
    HfModel exported = tokenizer.exported();
    new HfWriter(options.saveDir(), exported, tokenizer.files(), options.maxShardBytes())
        .write(counted(tensors, "wrote"));
    if (!options.noChecking) {
      try (HfFolder written = HfFolder.open(options.saveDir())) {
        requireEqual(tensors, written.tensors());
      }
    }
    out()
        .printf(
            " > %d tensors, vocabulary of %d, tokenizer %s: %s%n",
            tensors.size(), exported.vocabSize(), tokenizer.told(), options.saveDir());
    out().flush();
  }

  private List<ShardedTensor> counted(List<ShardedTensor> tensors, String verb) {
    ConvertProgress progress = new ConvertProgress(out(), verb, tensors);
    return tensors.stream().map(tensor -> tensor.observed(progress::add)).toList();
  }

  /** Reads both again and compares every byte. */
  private void requireEqual(List<ShardedTensor> expected, List<ShardedTensor> written)
      throws IOException {
    TensorComparison.requireEqual(counted(expected, "checked"), written);
  }

  private PrintWriter out() {
    return spec.commandLine().getOut();
  }
}
