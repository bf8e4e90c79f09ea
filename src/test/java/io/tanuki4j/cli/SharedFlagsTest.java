package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What ranks on several machines must have alike. */
class SharedFlagsTest {
  @TempDir Path folder;
  @TempDir Path otherFolder;

  private static Map<String, String> flags(Path folder, String more) throws IOException {
    return new CommandLines(folder)
        .resolve(CommandLines.SMALLEST + " --save run --save-interval 5 " + more)
        .sharedFlags();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--data-cache-path DIR/cache",
        "--cuda-lib-dir DIR/cuda",
        "--num-workers 7",
        "--no-mmap-bin-files",
        "--local-rank 3",
        "--save DIR/run",
        "--data-path OTHER/text_document",
        "--seed 1234", // the default
        "--global-batch-size 2", // which follows from the others
      })
  void what_depends_on_the_machine_or_says_the_same_may_differ(String more) throws IOException {
    new CommandLines(otherFolder);
    assertThat(flags(folder, more.replace("OTHER", otherFolder.toString())))
        .isEqualTo(flags(folder, ""));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--lr 2e-3 | --lr | 0.002",
        "--seed 1 | --seed | 1",
        "--bf16 | --bf16 | given",
        "--use-distributed-optimizer | --use-distributed-optimizer | given",
        "--train-iters 20 | --train-iters | 20",
        "--save other | --save | other",
        "--distributed-timeout-minutes 1 | --distributed-timeout-minutes | 1",
        "--data-path DIR/other_document | --data-path | ['other_document']",
        "--data-path 1 DIR/text_document 2 DIR/other_document | --data-path |"
            + " ['1', 'text_document', '2', 'other_document']",
      })
  void what_shapes_the_run_may_not(String more, String name, String text) throws IOException {
    assertThat(flags(folder, more))
        .containsEntry(name, text)
        .doesNotContainEntry(name, flags(folder, "").getOrDefault(name, "unknown"));
  }
}
