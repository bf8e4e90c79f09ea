package io.tanuki4j.cli;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;
import picocli.CommandLine.Model.OptionSpec;

/** No number that a flag can hold ends in a fault of the program, or is planned for ever. */
class ExtremeNumbersTest {
  private static final String SMALL =
      "--num-layers 2 --hidden-size 64 --num-attention-heads 4 --seq-length 32"
          + " --max-position-embeddings 32 --position-embedding-type rope --normalization RMSNorm"
          + " --swiglu --disable-bias-linear --attention-dropout 0 --hidden-dropout 0"
          + " --micro-batch-size 2 --train-iters 10 --lr 1e-3 --tokenizer-type NullTokenizer"
          + " --vocab-size 99";

  private static final List<String> EXTREMES =
      List.of("2147483646", "1073741824", "1048576", "1", "0", "-1", "-2147483648");

  /** Of 2³¹ layers or micro-batches none can be looked at one by one in this time. */
  private static final Duration LIMIT = Duration.ofSeconds(10);

  private static final Set<Class<?>> NUMBERS =
      Set.of(int.class, Integer.class, long.class, Long.class, double.class, Double.class);

  static Stream<String> flags() {
    return requireNonNull(Main.commandLine().getSubcommands().get("plan"))
        .getCommandSpec()
        .options()
        .stream()
        .filter(option -> NUMBERS.contains(option.type()))
        .map(OptionSpec::longestName)
        .distinct();
  }

  @ParameterizedTest
  @MethodSource("flags")
  void the_largest_number_is_planned_or_refused_with_a_sentence(String flag) {
    assertSentences(flag, List.of("2147483647"));
  }

  @Tag("slow")
  @ParameterizedTest
  @MethodSource("flags")
  void every_extreme_number_is_planned_or_refused_with_a_sentence(String flag) {
    assertSentences(flag, EXTREMES);
  }

  private static void assertSentences(String flag, List<String> values) {
    List<String> failures = new ArrayList<>();
    for (String value : values) {
      String said = assertTimeoutPreemptively(LIMIT, () -> plan(flag, value), flag + " " + value);
      if (said.contains("fault of the program") || said.contains("Exception")) {
        failures.add(value + ": " + said);
      }
    }
    assertThat(failures).isEmpty();
  }

  private static String plan(String flag, String value) {
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(new StringWriter())).setErr(new PrintWriter(err));
    Main.run(commandLine, ("plan " + SMALL + " " + flag + " " + value).split(" "));
    return err.toString();
  }
}
