package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.OpenShards;
import io.tanuki4j.checkpoint.SaveFolder;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.convert.huggingface.HfModel;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.tokenizer.HuggingFaceFiles;
import java.io.Closeable;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Checkpoints of this program, with all of a run's state. */
public final class OwnFormat implements ForeignFormat {
  @Override
  public List<String> names() {
    return List.of("tanuki4j");
  }

  @Override
  public boolean keepsOptimizer() {
    return true;
  }

  @Override
  public ConversionSource open(ConvertOptions options, boolean withOptimizer) throws IOException {
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
    return open(checkpoint, options.trueVocabSize, withOptimizer);
  }

  /**
   * Opens a checkpoint of this program.
   *
   * @param checkpoint verified first against its checksums
   * @param withOptimizer whether to include the optimizer's state and fp8 scales, if there are any
   * @throws UserException if it is damaged
   */
  public static ConversionSource open(
      Checkpoint checkpoint, @Nullable Integer trueVocabSize, boolean withOptimizer)
      throws IOException {
    OpenFiles files = new OpenFiles(new ArrayList<>());
    try {
      List<ShardedTensor> tensors = files.open(checkpoint, StateKind.MODEL);
      List<ShardedTensor> optimizer = files.openIf(withOptimizer, checkpoint, StateKind.OPTIMIZER);
      List<ShardedTensor> fp8 = files.openIf(withOptimizer, checkpoint, StateKind.FP8);
      return of(checkpoint, tensors, optimizer, fp8, files).withVocabSize(trueVocabSize);
    } catch (IOException | RuntimeException e) {
      files.close();
      throw e;
    }
  }

  private static ConversionSource of(
      Checkpoint checkpoint,
      List<ShardedTensor> tensors,
      List<ShardedTensor> optimizer,
      List<ShardedTensor> fp8,
      Closeable files) {
    TrainState state = checkpoint.state();
    int rows = vocabularyRows(checkpoint, tensors);
    HfModel model = HfModel.ofArguments(checkpoint.folder().toString(), state.arguments(), rows);
    return new ConversionSource(model, state, tensors, optimizer, fp8, files)
        .withVocabSize(state.vocabSize() == 0 ? rows : null);
  }

  /** The open files of all parts. */
  private record OpenFiles(List<OpenShards> shards) implements Closeable {
    List<ShardedTensor> open(Checkpoint checkpoint, StateKind part) throws IOException {
      OpenShards opened = checkpoint.open(part);
      shards.add(opened);
      opened.verify();
      return opened.tensors();
    }

    List<ShardedTensor> openIf(boolean wanted, Checkpoint checkpoint, StateKind part)
        throws IOException {
      return wanted && checkpoint.has(part) ? open(checkpoint, part) : List.of();
    }

    @Override
    public void close() throws IOException {
      for (OpenShards opened : shards) {
        opened.close();
      }
    }
  }

  private static int vocabularyRows(Checkpoint checkpoint, List<ShardedTensor> tensors) {
    return tensors.stream()
        .filter(ConversionSource::isVocabulary)
        .mapToInt(tensor -> Math.toIntExact(tensor.shape().dim(0)))
        .findFirst()
        .orElseThrow(
            () -> new UserException(checkpoint.folder() + ": it has no tensor embedding.weight."));
  }

  @Override
  public void write(ConversionSource model, ConvertOptions options, PrintWriter out)
      throws IOException {
    CheckpointStore store = new CheckpointStore(options.saveDir());
    try (SaveFolder folder = new SaveFolder(options.saveDir(), TextExchange.ALONE, Retention.ALL)) {
      if (!store.iterations().isEmpty() || store.latest().isPresent()) {
        throw new UserException(
            store.folder() + ": there are checkpoints already. Give another --save-dir.");
      }
      ExportedTokenizer.check(options, model);
      HuggingFaceFiles tokenizerFiles =
          ForeignFormats.named(options.loader()).tokenizer(options, model);
      ConversionTarget checkpoint = ConversionTarget.of(model, options, tokenizerFiles);
      folder.requireWritable();
      folder.lock(out::println);
      if (!tokenizerFiles.isEmpty()) {
        CarriedTokenizer.copy(tokenizerFiles, options.saveDir());
      }
      ConvertProgress progress = new ConvertProgress(out, "wrote", checkpoint.all());
      folder.save(checkpoint.state(), checkpoint.ranks(progress::add));
      Checkpoint saved = store.at(checkpoint.state().iteration());
      if (!options.noChecking) {
        check(checkpoint, saved, out);
      }
      out.println(" > %s: %s".formatted(checkpoint, saved.folder()));
      out.flush();
    }
  }

  private static void check(ConversionTarget expected, Checkpoint saved, PrintWriter out)
      throws IOException {
    check(expected.tensors(), StateKind.MODEL, saved, out);
    check(expected.optimizer(), StateKind.OPTIMIZER, saved, out);
    check(expected.fp8(), StateKind.FP8, saved, out);
  }

  private static void check(
      List<ShardedTensor> expected, StateKind part, Checkpoint saved, PrintWriter out)
      throws IOException {
    if (expected.isEmpty()) {
      return;
    }
    try (OpenShards shards = saved.open(part)) {
      TensorComparison.requireEqual(
          ConvertProgress.counted(out, "checked", expected), shards.tensors());
    }
  }
}
