package io.tanuki4j.cli;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.config.ConfigException;
import io.tanuki4j.config.Problems;
import io.tanuki4j.data.preprocess.InputFiles;
import io.tanuki4j.data.preprocess.PreprocessConfig;
import io.tanuki4j.data.preprocess.Preprocessor;
import io.tanuki4j.data.preprocess.ProgressPrinter;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.TokenizerOptions;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Turns JSON lines into token files, with the flags of Megatron's tools/preprocess_data.py. */
@Command(
    name = "preprocess",
    description = "Turns JSON lines into the token files that training reads.",
    sortOptions = false)
final class PreprocessCommand implements Callable<Integer> {
  private static final int DEFAULT_LOG_INTERVAL = 1000;

  @Option(
      names = "--input",
      arity = "1..*",
      paramLabel = "FILE",
      description =
          "JSON lines, also .gz or .zst; several files, or patterns, like data/*.jsonl. All become"
              + " one corpus, in this order.")
  List<String> inputs = List.of();

  @Option(
      names = "--output-prefix",
      paramLabel = "PREFIX",
      description = "Writes PREFIX_KEY_document.bin and .idx.")
  @Nullable Path outputPrefix;

  @Option(
      names = "--json-keys",
      arity = "1..*",
      paramLabel = "KEY",
      description = "Keys of the texts, a corpus each (default: text).")
  List<String> jsonKeys = List.of("text");

  @Option(names = "--append-eod", description = "Ends each document with the end-of-document id.")
  boolean appendEod;

  @Mixin final TokenizerOptions tokenizer = new TokenizerOptions();

  @Option(
      names = "--workers",
      paramLabel = "N",
      description = "Threads that tokenize (default: one for each core).")
  @Nullable Integer workers;

  @Option(
      names = "--partitions",
      paramLabel = "N",
      description =
          "Writes the lines in Megatron's order for N partitions: lines 0, N, 2N, …, then 1, N+1, ….")
  int partitions = 1;

  @Option(
      names = "--keep-sequential-samples",
      description = "Keeps the order of the lines whatever the partitions.")
  boolean keepSequentialSamples;

  @Option(
      names = "--log-interval",
      paramLabel = "N",
      description = "Documents from one line of progress to the next (default: 1000).")
  int logInterval = DEFAULT_LOG_INTERVAL;

  @Option(
      names = "--split-sentences",
      description = "Not supported: a list of strings is a document in sentences.")
  boolean splitSentences;

  @ArgGroup(validate = false, exclusive = false, heading = "%nAccepted, no effect:%n")
  final NoEffect noEffect = new NoEffect();

  @Spec CommandSpec spec;

  /** Flags of Megatron's scripts, old and new, that have no effect here. */
  static final class NoEffect {
    @Option(names = "--lang", description = "Only --split-sentences reads it.")
    @Nullable String lang;

    @Option(names = "--keep-newlines", description = "Only --split-sentences reads it.")
    boolean keepNewlines;

    @Option(names = "--dataset-impl", description = "Token files are always of the kind mmap.")
    @Nullable String datasetImpl;

    @Option(names = "--chunk-size", description = "Lines are dealt out by size.")
    int chunkSize;
  }

  @Override
  public Integer call() {
    Problems problems = new Problems();
    check(problems);
    tokenizer.check(problems);
    problems.throwIfAny();
    PreprocessConfig config = config();
    TokenizerConfig tokenizerConfig = tokenizer.toConfig();
    try (Tokenizer opened = Tokenizers.open(tokenizerConfig)) {
      showTokenizer(tokenizerConfig, opened);
      run(config, opened);
    }
    return 0;
  }

  private void check(Problems problems) {
    problems.required(
        "--input", inputs.isEmpty() ? null : inputs, "a file of JSON lines", "Add --input FILE.");
    problems.required(
        "--output-prefix", outputPrefix, "where to write", "Add --output-prefix PREFIX.");
    problems.positive("--workers", workers, "Leave it out for one thread for each core.");
    problems.positive("--partitions", partitions, "Leave it out for one.");
    problems.positive("--log-interval", logInterval, "Leave it out for 1000.");
    problems.oneOf("--dataset-impl", noEffect.datasetImpl, List.of("mmap"));
    if (splitSentences) {
      problems.add(
          "--split-sentences",
          "given",
          "not given",
          "Split the texts beforehand: a list of strings becomes a document in sentences.");
    }
  }

  /** Returns the configuration. Its errors are reported as mistakes in the flags. */
  private PreprocessConfig config() {
    int cores = Runtime.getRuntime().availableProcessors();
    int defaultWorkers = Math.max(1, cores / partitions) * partitions;
    try {
      return new PreprocessConfig(
          inputs.stream().flatMap(input -> InputFiles.find(input).stream()).toList(),
          jsonKeys,
          requireNonNull(outputPrefix),
          appendEod,
          workers == null ? defaultWorkers : workers,
          partitions,
          keepSequentialSamples);
    } catch (UserException e) {
      throw new ConfigException(String.valueOf(e.getMessage()));
    }
  }

  private void showTokenizer(TokenizerConfig config, Tokenizer opened) {
    PrintWriter err = spec.commandLine().getErr();
    err.printf(
        Locale.ROOT,
        "%s: %d ids, documents end with %d, padded vocabulary %d%n",
        config.type(),
        opened.vocabSize(),
        opened.eodId(),
        config.paddedVocabSize(opened.vocabSize(), 1));
    err.flush();
  }

  private void run(PreprocessConfig config, Tokenizer opened) {
    ProgressPrinter progress =
        new ProgressPrinter(spec.commandLine().getErr(), System.console() != null, logInterval);
    Preprocessor.Result result = Preprocessor.run(config, opened, progress);
    progress.finish(result.progress());
    PrintWriter out = spec.commandLine().getOut();
    out.printf(
        Locale.ROOT,
        "Wrote %d documents, %d tokens (%s): %s%n",
        result.progress().documents(),
        result.tokens(),
        result.type().name().toLowerCase(Locale.ROOT),
        result.corpora().stream()
            .map(corpus -> corpus + ".bin and .idx")
            .collect(Collectors.joining(", ")));
    out.flush();
  }
}
