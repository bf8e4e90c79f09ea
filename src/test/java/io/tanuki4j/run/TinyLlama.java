package io.tanuki4j.run;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.cli.PretrainCommand;
import io.tanuki4j.convert.SaveExports;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.stream.Stream;
import picocli.CommandLine;

/** A run of pretrain on the corpora of a reference run, as flags and in this JVM. */
public final class TinyLlama {
  private static final String DATA = "src/test/resources/golden/llama-tiny/";

  /** The reference run's shape, which two heads' groups and two layers leave few layouts. */
  public static final String GOLDEN =
      "--num-layers 2 --hidden-size 64 --ffn-hidden-size 176 --num-attention-heads 4"
          + " --group-query-attention --num-query-groups 2 --global-batch-size 4";

  /** More rows than the data need, and 515 of them: no row of logits keeps its alignment. */
  static final String ODD_VOCABULARY = "--vocab-size 514 --padded-vocab-size 515";

  private static final String REST =
      "--seq-length 64 --max-position-embeddings 64 --position-embedding-type rope --rope-theta"
          + " 500000 --normalization RMSNorm --swiglu --disable-bias-linear --attention-dropout 0"
          + " --hidden-dropout 0 --untie-embeddings-and-output-weights --tokenizer-type"
          + " NullTokenizer --vocab-size 511 --data-path 0.3 "
          + DATA
          + "a_text_document 0.7 "
          + DATA
          + "b_text_document --split 90,5,5 --micro-batch-size 1 --lr 3e-3"
          + " --min-lr 3e-4 --lr-warmup-iters 3 --lr-decay-iters 12 --lr-decay-style cosine"
          + " --weight-decay 0.1 --adam-beta2 0.95 --adam-eps 1e-5 --init-method-std 0.05"
          + " --padded-vocab-size 512 --log-interval 1"
          + " --eval-interval 6 --eval-iters 2 --train-iters 12 --save-interval 100";

  private TinyLlama() {}

  /**
   * The words after pretrain.
   *
   * @param shape flags that replace those of {@link #REST}; {@code !--flag} takes one out
   * @param cache folder of the sample orders
   */
  public static List<String> words(String shape, Path cache, String... more) {
    List<String> words = new ArrayList<>(List.of((REST + " " + shape).split(" ", -1)));
    List<String> without = words.stream().filter(word -> word.startsWith("!")).toList();
    words.removeIf(word -> word.startsWith("!") || without.contains("!" + word));
    words.addAll(List.of("--data-cache-path", cache.toString()));
    for (String flags : more) {
      words.addAll(List.of(flags.strip().split(" +", -1)));
    }
    return words;
  }

  /** What a run printed. */
  public record Output(String text) {
    /** The iteration lines, without the date and the time that an iteration took. */
    public List<String> iterations() {
      return iterationLines()
          .map(line -> line.replaceAll("^(\\[rank \\d+\\] )? \\[.*?\\]|elapsed time.*?\\|", ""))
          .toList();
    }

    /** Not those that a launcher shows again, as the last lines of a rank. */
    private Stream<String> iterationLines() {
      return text.lines().filter(line -> line.matches("(\\[rank \\d+\\] )? \\[.*\\] iteration .*"));
    }

    List<Double> losses() {
      return iterationLines()
          .map(line -> Double.valueOf(line.replaceAll(".*lm loss: (\\S+) .*", "$1")))
          .toList();
    }

    public List<Double> evaluations() {
      return text.lines()
          .filter(line -> line.contains(" validation loss at"))
          .map(line -> Double.valueOf(line.replaceAll(".*lm loss value: (\\S+) .*", "$1")))
          .toList();
    }
  }

  /** Runs in this JVM; ranks are threads if the words say so. */
  public static Output run(List<String> words) {
    return run(words, SaveExports::pretrain);
  }

  /** Evaluates the checkpoint that the words name. */
  static Output evaluate(List<String> words) {
    return run(words, Assembly::evaluate);
  }

  private static Output run(List<String> words, BiConsumer<Resolved, PrintStream> work) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(bytes, true, UTF_8);
    PretrainCommand command = new PretrainCommand(Checkpoints::arguments, run -> {});
    new CommandLine(command).parseArgs(words.toArray(String[]::new));
    Resolved run = command.resolve(Map.of());
    work.accept(run, out);
    return new Output(bytes.toString(UTF_8));
  }
}
