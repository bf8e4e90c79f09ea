package io.tanuki4j.cli;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.convert.huggingface.HfFolder;
import io.tanuki4j.data.IndexedDataset;
import io.tanuki4j.error.UserException;
import io.tanuki4j.run.SavedArguments;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.TokenizerType;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/**
 * Shows the content of a token file, a folder of checkpoints, a safetensors file or a tokenizer.
 */
@Command(
    name = "inspect",
    description = "Shows what a token file, checkpoint, safetensors file or tokenizer holds.")
final class InspectCommand implements Callable<Integer> {
  private static final Pattern ITERATION_FOLDER = Pattern.compile("(.*)/iter_(\\d{7})");

  @Parameters(
      paramLabel = "PATH",
      description =
          "A prefix of .bin and .idx, a folder of checkpoints or one of its iter_ folders, a"
              + " .safetensors or a .model file, or a folder of Hugging Face with config.json or"
              + " tokenizer.json.")
  Path path = Path.of("");

  @Option(
      names = "--document",
      paramLabel = "N",
      description = "Also shows this document of a token file.")
  @Nullable Integer document;

  @Option(
      names = "--pieces",
      description = "Also lists a checkpoint's tensors, and what of them is in which file.")
  boolean pieces;

  @Option(
      names = "--tokenizer-model",
      paramLabel = "FILE",
      description = "Shows the document as text.")
  @Nullable Path tokenizerModel;

  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    PrintWriter out = spec.commandLine().getOut();
    String name = path.toString();
    if (Files.isRegularFile(path.resolve("config.json"))) {
      huggingFace(out);
    } else if (name.endsWith(".safetensors")) {
      safetensors(out);
    } else if (isTokenizer(path)) {
      tokenizer(out);
    } else if (isFolderOnly()) {
      checkpoints(out);
    } else {
      tokens(out, Path.of(name.replaceFirst("\\.(idx|bin)$", "")));
    }
    out.flush();
    return 0;
  }

  /**
   * Returns whether a path is a folder only. A corpus has a folder of its own name once its sample
   * order is in the default cache.
   */
  private boolean isFolderOnly() {
    return Files.isDirectory(path) && !Files.exists(Path.of(path + ".idx"));
  }

  private static boolean isTokenizer(Path path) {
    return path.toString().endsWith(".model")
        || path.toString().endsWith("tokenizer.json")
        || Files.isRegularFile(path.resolve("tokenizer.json"));
  }

  private void tokens(PrintWriter out, Path prefix) {
    if (!Files.exists(Path.of(prefix + ".idx"))) {
      throw new UserException(
          "%s: nothing to inspect (expected: a prefix with .idx and .bin, a folder of checkpoints, a"
                  .formatted(path)
              + " .safetensors or a .model file). Check the path.");
    }
    try (IndexedDataset dataset = IndexedDataset.open(prefix, true)) {
      out.printf("%s: token file%n", prefix);
      line(out, "documents", dataset.numDocuments());
      line(out, "sequences", dataset.numSequences());
      line(out, "tokens", dataset.numTokens());
      line(out, "stored as", dataset.type());
      IntSummaryStatistics lengths =
          IntStream.range(0, dataset.numSequences()).map(dataset::length).summaryStatistics();
      if (lengths.getCount() > 0) {
        line(
            out,
            "tokens a sequence",
            "%d to %d, mean %.1f"
                .formatted(lengths.getMin(), lengths.getMax(), lengths.getAverage()));
      }
      if (document != null) {
        document(out, dataset, document);
      }
    }
  }

  private void document(PrintWriter out, IndexedDataset dataset, int number) {
    if (number < 0 || number >= dataset.numDocuments()) {
      throw new UserException(
          "--document: %d (expected: 0 to %d). Choose one of these."
              .formatted(number, dataset.numDocuments() - 1));
    }
    int[] ids =
        IntStream.range(dataset.documentStart(number), dataset.documentStart(number + 1))
            .flatMap(sequence -> IntStream.of(dataset.sequence(sequence)))
            .toArray();
    if (tokenizerModel == null) {
      line(out, "document " + number, Arrays.toString(ids));
      return;
    }
    try (Tokenizer tokenizer = Tokenizers.open(config(tokenizerModel))) {
      line(out, "document " + number, tokenizer.decode(ids));
    }
  }

  private void checkpoints(PrintWriter out) throws IOException {
    Checkpoint checkpoint = checkpoint(out);
    TrainState state = checkpoint.state();
    out.printf("%s: checkpoint%n", checkpoint.folder());
    List<StoredTensor> model = checkpoint.contents(StateKind.MODEL);
    ModelSummary summary =
        new ModelSummary()
            .weights(
                model.stream().mapToLong(tensor -> tensor.shape().numElements()).sum(),
                model.stream().map(tensor -> tensor.type().toString()).toList());
    if (!state.arguments().isEmpty()) {
      summary.shape(SavedArguments.of(checkpoint).shape().model());
    }
    summary
        .line("iteration", state.iteration())
        .layout(state.arguments())
        .files(
            checkpoint.files().stream().mapToLong(ShardFile::size).sum(),
            checkpoint.files().size());
    summary.lines().forEach((what, value) -> line(out, what, value));
    line(
        out,
        "consumed samples",
        "%d of training, %d of validation"
            .formatted(state.consumedTrainSamples(), state.consumedValidSamples()));
    for (StateKind part : StateKind.values()) {
      part(out, part, checkpoint.contents(part));
    }
    out.println("  arguments");
    new TreeMap<>(state.arguments()).forEach((key, value) -> line(out, "  " + key, value));
    checkpoint.requireWhole();
  }

  private void part(PrintWriter out, StateKind part, List<StoredTensor> tensors) {
    List<Piece> places = tensors.stream().flatMap(tensor -> tensor.pieces().stream()).toList();
    long numFiles = places.stream().map(Piece::file).distinct().count();
    line(
        out,
        part.word(),
        tensors.isEmpty()
            ? "none"
            : "%d tensors in %d pieces in %d files"
                .formatted(tensors.size(), places.size(), numFiles));
    if (pieces) {
      for (StoredTensor tensor : tensors) {
        line(out, "  " + tensor.name(), tensor.type() + " " + tensor.shape());
        tensor.pieces().forEach(piece -> line(out, "    " + piece.file(), tensor.entryName(piece)));
      }
    }
  }

  private Checkpoint checkpoint(PrintWriter out) {
    Path absolute = path.toAbsolutePath().normalize();
    Matcher iteration = ITERATION_FOLDER.matcher(absolute.toString());
    if (iteration.matches()) {
      return new CheckpointStore(Path.of(iteration.group(1)))
          .at(Long.parseLong(iteration.group(2)));
    }
    CheckpointStore store = new CheckpointStore(path);
    line(out, "iterations", store.iterations());
    return store
        .latest()
        .orElseThrow(
            () ->
                new UserException(
                    "%s: no checkpoint here (expected: %s). Name the folder that pretrain was given"
                            .formatted(path, store.trackerFile().getFileName())
                        + " with --save."));
  }

  private void huggingFace(PrintWriter out) throws IOException {
    try (HfFolder folder = HfFolder.open(path);
        Stream<Path> inside = Files.list(path)) {
      out.printf("%s: Hugging Face's model%n", path);
      List<Path> files =
          inside.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList();
      long bytes = 0;
      for (Path file : files) {
        bytes += Files.size(file);
      }
      List<ShardedTensor> tensors = folder.tensors();
      new ModelSummary()
          .weights(
              tensors.stream().mapToLong(tensor -> tensor.shape().numElements()).sum(),
              tensors.stream().map(tensor -> tensor.type().toString()).toList())
          .shape(folder.model().shape())
          .files(bytes, files.size())
          .lines()
          .forEach((what, value) -> line(out, what, value));
      if (pieces) {
        tensors.forEach(
            tensor -> line(out, "  " + tensor.name(), tensor.type() + " " + tensor.shape()));
      }
    }
    if (Files.isRegularFile(path.resolve("tokenizer.json"))) {
      tokenizer(out);
    }
  }

  private void safetensors(PrintWriter out) throws IOException {
    try (SafetensorsReader reader = SafetensorsReader.open(path)) {
      out.printf("%s: safetensors, %d tensors%n", path, reader.tensors().size());
      for (TensorEntry tensor : reader.tensors()) {
        line(out, tensor.name(), tensor.type() + " " + tensor.shape());
      }
    }
  }

  private void tokenizer(PrintWriter out) {
    TokenizerConfig config = config(path);
    try (Tokenizer tokenizer = Tokenizers.open(config)) {
      boolean isSentencePiece = config.type() == TokenizerType.SENTENCE_PIECE;
      out.printf("%s: %s tokenizer%n", path, isSentencePiece ? "SentencePiece" : "Hugging Face's");
      line(
          out,
          "ids",
          tokenizer.vocabSize()
              + (isSentencePiece ? " with Megatron's legacy special tokens" : ""));
      line(
          out,
          "end of document",
          "%d %s".formatted(tokenizer.eodId(), tokenizer.pieces().get(tokenizer.eodId())));
    }
  }

  /** Returns the tokenizer that a path seems to be: a .model file, or else one of Hugging Face. */
  private static TokenizerConfig config(Path model) {
    boolean isSentencePiece = model.toString().endsWith(".model");
    return new TokenizerConfig(
        (isSentencePiece ? TokenizerType.SENTENCE_PIECE : TokenizerType.HUGGING_FACE)
            .megatronName(),
        model,
        null,
        0,
        true,
        1);
  }

  private static void line(PrintWriter out, String what, Object value) {
    out.printf("  %-32s %s%n", what, value);
  }
}
