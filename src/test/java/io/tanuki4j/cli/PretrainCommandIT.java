package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The real command in a JVM of its own, on the corpora of a reference run. */
class PretrainCommandIT {
  private static final String DATA = "src/test/resources/golden/llama-tiny/";
  private static final String FLAGS =
      "pretrain --num-layers 2 --hidden-size 64 --ffn-hidden-size 176 --num-attention-heads 4"
          + " --group-query-attention --num-query-groups 2 --seq-length 64"
          + " --max-position-embeddings 64 --position-embedding-type rope --rope-theta 500000"
          + " --normalization RMSNorm --swiglu --disable-bias-linear --attention-dropout 0"
          + " --hidden-dropout 0 --untie-embeddings-and-output-weights --tokenizer-type"
          + " NullTokenizer --vocab-size 511 --data-path 0.3 "
          + DATA
          + "a_text_document 0.7 "
          + DATA
          + "b_text_document --split 90,5,5 --micro-batch-size 1 --global-batch-size 4 --lr 3e-3"
          + " --min-lr 3e-4 --lr-warmup-iters 3 --lr-decay-style cosine --log-interval 1"
          + " --eval-interval 6 --eval-iters 2 --train-iters 12 --save-interval 100";

  @TempDir Path dir;

  @Test
  void a_run_that_stops_and_resumes_equals_an_unbroken_one_bit_by_bit() throws IOException {
    Program.Result unbroken = pretrain("--save", path("one"));
    Program.Result first = pretrain("--save", path("two"), "--exit-interval", "6");
    Program.Result second = pretrain("--save", path("two"), "--load", path("two"));

    assertThat(unbroken.exitCode()).as(unbroken.output()).isZero();
    assertThat(first.exitCode()).as(first.output()).isZero();
    assertThat(second.exitCode()).as(second.output()).isZero();
    List<String> lines = new ArrayList<>(first.iterations());
    lines.addAll(second.iterations());
    assertThat(unbroken.iterations()).hasSize(12).isEqualTo(lines);
    assertThat(weights("two")).isEqualTo(weights("one"));
  }

  @Test
  void the_loss_falls_and_evaluations_are_printed() {
    Program.Result result = pretrain("--train-iters", "20", "--lr-decay-iters", "20");
    List<Double> losses =
        result.iterations().stream()
            .map(line -> Double.valueOf(line.replaceAll(".*lm loss: (\\S+) .*", "$1")))
            .toList();
    assertThat(losses.get(19)).isLessThan(losses.get(0) - 0.5);
    assertThat(result.output())
        .contains(" validation loss at iteration 6 | lm loss value: ")
        .contains(" validation loss at iteration 20 on test set | lm loss value: ");
  }

  @Test
  void a_run_that_diverges_ends_with_a_sentence() {
    Program.Result result = pretrain("--lr", "1e30", "--lr-warmup-iters", "0");
    assertThat(result.exitCode()).isEqualTo(1);
    assertThat(result.output())
        .contains("tanuki4j pretrain: iteration 2: the ")
        .contains("is nan (expected: a finite number). Lower --lr")
        .doesNotContain("fault of the program");
  }

  @Test
  void a_signal_lets_the_iteration_end_saves_and_exits_with_0() throws Exception {
    Program program =
        Program.start(
            dir, words("--save", path("stopped"), "--train-iters", "100000", "--eval-iters", "0"));
    while (!program.output().contains("iteration        3/") && program.process().isAlive()) {
      Thread.sleep(50);
    }
    program.process().destroy(); // SIGTERM
    Program.Result result = program.await();

    assertThat(result.exitCode()).as(result.output()).isZero();
    assertThat(result.output()).contains("[exiting program after receiving SIGTERM.]");
    Program.Result again =
        pretrain("--load", path("stopped"), "--train-iters", "100000", "--exit-interval", "1");
    assertThat(again.output()).contains("successfully loaded checkpoint");
    assertThat(again.exitCode()).isZero();
  }

  /** Until the first iteration there is nothing to save, so a signal waits for no file. */
  @Test
  @Timeout(100)
  void a_signal_ends_a_run_whose_checkpoint_stalls_while_it_is_read() throws Exception {
    assertThat(pretrain("--save", path("stalled"), "--exit-interval", "1").exitCode()).isZero();
    Path manifest = dir.resolve("stalled").resolve("iter_0000001").resolve("manifest.json");
    Files.delete(manifest);
    String pipe = "mkfifo \"$0\" && exec 3> \"$0\" && echo read && exec sleep 100";
    Process writer = new ProcessBuilder("sh", "-c", pipe, manifest.toString()).start();
    try (BufferedReader reader = writer.inputReader()) {
      Program program = Program.start(dir, words("--load", path("stalled")));
      assertThat(reader.readLine()).as(program.output()).isEqualTo("read");
      program.process().destroy(); // SIGTERM
      assertThat(program.process().waitFor(10, TimeUnit.SECONDS)).isTrue();
      assertThat(program.process().exitValue()).as(program.output()).isEqualTo(128 + 15);
    } finally {
      writer.destroyForcibly();
    }
  }

  @Test
  void wrong_flags_exit_with_2_and_a_sentence_each() {
    Program.Result result = pretrain("--micro-batch-size", "3", "--num-query-groups", "3");
    assertThat(result.exitCode()).isEqualTo(2);
    assertThat(result.output()).contains("2 problems").doesNotContain("\tat ");
  }

  /** Saves after every iteration, so that most moments of a kill fall into a save. */
  @Test
  @Tag("slow")
  void twenty_kills_at_random_moments_leave_a_checkpoint_that_loads() throws Exception {
    Random random = new Random(1);
    String[] flags = {
      "--save",
      path("killed"),
      "--load",
      path("killed"),
      "--save-interval",
      "1",
      "--eval-iters",
      "0",
      "--train-iters",
      "1000000"
    };
    for (int kill = 0; kill < 20; kill++) {
      Program program = Program.start(dir, words(flags));
      while (!program.output().contains("successfully saved") && program.process().isAlive()) {
        Thread.sleep(20);
      }
      Thread.sleep(random.nextInt(300));
      program.process().destroyForcibly().waitFor();
      assertThat(program.output()).doesNotContain("tanuki4j pretrain:");
      assertThat(program.output().contains("successfully loaded checkpoint")).isEqualTo(kill > 0);
    }
  }

  private Program.Result pretrain(String... more) {
    return Program.run(dir, words(more));
  }

  private List<String> words(String... more) {
    List<String> words = new ArrayList<>(Arrays.asList(FLAGS.split(" ")));
    words.addAll(List.of("--data-cache-path", path("cache")));
    words.addAll(List.of(more));
    return words;
  }

  private String path(String name) {
    return dir.resolve(name).toString();
  }

  private byte[] weights(String run) throws IOException {
    try (Stream<Path> files = Files.list(dir.resolve(run).resolve("iter_0000012"))) {
      Path model =
          files
              .filter(file -> file.getFileName().toString().matches("model.*\\.safetensors"))
              .findFirst()
              .orElseThrow();
      return Files.readAllBytes(model);
    }
  }
}
