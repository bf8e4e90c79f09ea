package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonParser;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.HuggingFaceFormat;
import io.tanuki4j.convert.MegatronFormat;
import io.tanuki4j.convert.OwnFormat;
import io.tanuki4j.convert.TensorComparison;
import io.tanuki4j.run.TinyLlama;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The golden run with everything that saves: behind training, in three formats, and retained. */
class EverySaveTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/llama-tiny");
  private static final int ITERATIONS = 12;
  private static final int HALF = 6;

  /** The reference computes in fp64, this run in fp32. */
  private static final double TOLERANCE = 1e-5;

  private static final String SAVES =
      "--save-interval 2 --async-save --most-recent-k 2 --save-retain-interval 4"
          + " --save-hf-interval 4 --save-megatron-interval 6";

  @TempDir Path folder;

  @BeforeEach
  void importWeights() throws IOException {
    ConvertCommand command = new ConvertCommand();
    new CommandLine(command)
        .setOut(new PrintWriter(new StringWriter()))
        .parseArgs(
            "--loader=hf",
            "--saver=tanuki4j",
            "--load-dir=" + GOLDEN.resolve("hf"),
            "--save-dir=" + folder.resolve("weights"));
    assertThat(command.call()).isZero();
  }

  @Test
  void a_stopped_run_has_the_golden_losses_and_leaves_what_it_was_asked_for() throws IOException {
    List<String> whole = run("").iterations();
    Path save = folder.resolve("save");
    String saving = "--save %s --load %s %s".formatted(save, save, SAVES);
    List<String> parts = new ArrayList<>(run(saving + " --exit-interval " + HALF).iterations());
    assertThat(parts).hasSize(HALF);
    parts.addAll(run(saving).iterations());

    assertThat(parts).isEqualTo(whole);
    JsonArray golden =
        JsonParser.parseString(Files.readString(GOLDEN.resolve("expected.json")))
            .getAsJsonObject()
            .getAsJsonArray("iterations");
    assertThat(parts).hasSize(ITERATIONS);
    for (int i = 0; i < ITERATIONS; i++) {
      double loss = golden.get(i).getAsJsonObject().get("lm_loss").getAsDouble();
      assertThat(loss(parts.get(i))).isCloseTo(loss, within(TOLERANCE * loss));
    }
    assertThat(new CheckpointStore(save).iterations()).containsExactly(4L, 8L, 10L, 12L);
    assertThat(names(save.resolve("hf")))
        .containsExactly("iter_0000004", "iter_0000008", "iter_0000012");
    assertSameWeights(save);
  }

  private static void assertSameWeights(Path save) throws IOException {
    try (ConversionSource own =
            OwnFormat.open(new CheckpointStore(save).at(ITERATIONS), null, false);
        ConversionSource hf = HuggingFaceFormat.open(save.resolve("hf/iter_0000012"), null);
        ConversionSource megatron = MegatronFormat.open(save.resolve("megatron"), null, null)) {
      TensorComparison.requireEqual(own.tensors(), hf.tensors());
      TensorComparison.requireEqual(own.tensors(), megatron.tensors());
      assertThat(megatron.state().iteration()).isEqualTo(ITERATIONS);
    }
  }

  private static List<String> names(Path folder) throws IOException {
    try (var files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  private static double loss(String iteration) {
    return Double.parseDouble(iteration.replaceAll(".*lm loss: (\\S+) .*", "$1"));
  }

  private TinyLlama.Output run(String more) {
    return TinyLlama.run(
        TinyLlama.words(
            TinyLlama.GOLDEN,
            folder.resolve("cache"),
            "--pretrained-checkpoint " + folder.resolve("weights"),
            "--distributed-backend local --local-ranks 4 --tensor-model-parallel-size 2",
            "--use-distributed-optimizer --backend cpu",
            more.isEmpty() ? "--backend cpu" : more));
  }
}
