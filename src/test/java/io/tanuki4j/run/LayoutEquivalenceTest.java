package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.cli.ConvertCommand;
import io.tanuki4j.kernel.HostValues;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.run.TinyLayout.Data;
import io.tanuki4j.run.TinyLlama.Output;
import io.tanuki4j.tensor.DType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** The command at many layouts, its ranks as threads, against the same run on one rank. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@Timeout(3600)
class LayoutEquivalenceTest {
  private static final double LOSSES = 1e-4;
  private static final double WEIGHTS = 1e-3;

  /** A few roundings to 2^-11 of losses near 6, of which a mean over tokens cancels most. */
  private static final double FP16_LOSSES = 2e-3;

  private static final int VOCAB_SIZE = 512;

  /** A model that eight ranks can share along every axis. */
  private static final String WIDE =
      "--num-layers 8 --hidden-size 32 --ffn-hidden-size 96 --num-attention-heads 8"
          + " --global-batch-size 8 --seq-length 32 --max-position-embeddings 32";

  private static final String QWEN2 = TinyLlama.GOLDEN + " --add-qkv-bias";
  private static final String QWEN3 = TinyLlama.GOLDEN + " --qk-layernorm --kv-channels 24";
  private static final String SCALED =
      TinyLlama.GOLDEN + " --use-embedding-scaling !--untie-embeddings-and-output-weights";
  private static final String GPT =
      TinyLlama.GOLDEN
          + " !--swiglu !--disable-bias-linear --normalization LayerNorm"
          + " --position-embedding-type learned_absolute";

  @TempDir static Path folder;
  private Path reference = Path.of("");
  private final Map<String, Found> onOneRank = new HashMap<>();

  /** What a run left. */
  private record Found(Output output, Map<String, double[]> weights) {}

  @BeforeAll
  void convert_the_reference_weights() throws IOException {
    reference = folder.resolve("reference");
    String words =
        "--loader hf --saver tanuki4j --load-dir src/test/resources/golden/llama-tiny/hf --save-dir"
            + " "
            + reference;
    ConvertCommand command = new ConvertCommand();
    new CommandLine(command).setOverwrittenOptionsAllowed(true).parseArgs(words.split(" ", -1));
    assertThat(command.call()).isZero();
  }

  @Test
  void one_rank_has_the_losses_of_the_reference() {
    List<Double> losses = alone(golden()).output.losses();
    assertThat(losses).hasSize(12);
    assertThat(losses.get(0)).isCloseTo(6.277789715646613, within(LOSSES));
    assertThat(losses.get(2)).isCloseTo(6.237105243619852, within(LOSSES));
  }

  @Test
  void split_backwards_have_the_losses_and_weights_of_whole_ones() {
    String stages = TinyLayout.of(1, 1, 1, 2).localFlags();
    Found whole = run(golden(), stages);
    Found split = run(golden(), stages + " --pipeline-schedule zero-bubble");
    assertThat(split.output.iterations()).hasSize(12).isEqualTo(whole.output.iterations());
    assertThat(split.weights).usingRecursiveComparison().isEqualTo(whole.weights);
    assertThat(split.output.losses().get(2)).isCloseTo(6.237105243619852, within(LOSSES));
  }

  /** The reference run: its shape, weights and data. */
  private String golden() {
    return TinyLlama.GOLDEN + " --finetune --load " + reference;
  }

  @Test
  void some_layouts_of_four_ranks_have_the_losses_and_weights_of_one_rank() {
    List<TinyLayout> layouts =
        List.of(
            new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN),
            new TinyLayout(1, 2, 2, 1, 1, false, Data.OVERLAPPED),
            new TinyLayout(1, 1, 2, 2, 1, false, Data.SHARDED),
            new TinyLayout(2, 2, 1, 1, 1, true, Data.PLAIN));
    layouts.forEach(layout -> check(golden(), layout));
    check(WIDE, new TinyLayout(1, 1, 2, 2, 2, false, Data.OVERLAPPED));
    System.out.println(layouts.size() + 1 + " layouts of 4 ranks equal one rank");
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " --calculate-per-token-loss --micro-batch-size 2"})
  void documents_and_masked_tokens_count_the_same_at_every_layout(String more) {
    String shape = golden() + " --eod-mask-loss --reset-attention-mask --reset-position-ids" + more;
    check(shape, new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN));
    check(shape, new TinyLayout(1, 2, 2, 1, 1, false, Data.SHARDED));
    check(shape, new TinyLayout(1, 4, 1, 1, 1, false, Data.PLAIN));
  }

  @Test
  void every_layout_drops_the_same_elements() {
    String shape = golden() + " --hidden-dropout 0.2 --attention-dropout 0.1";
    check(shape, new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN));
    check(shape, new TinyLayout(1, 2, 2, 1, 1, false, Data.SHARDED));
    check(shape, new TinyLayout(2, 2, 1, 1, 1, true, Data.PLAIN));
    check(shape + " --micro-batch-size 2", new TinyLayout(1, 1, 2, 2, 1, false, Data.PLAIN));
    String full =
        " --recompute-granularity full --recompute-method uniform --recompute-num-layers 1";
    assertThat(run(shape + full, "--backend cpu").output.losses())
        .isEqualTo(alone(shape).output.losses());
  }

  /** Some iterations overflow, where one rank sees it and all must skip. */
  @Test
  void fp16_skips_the_same_iterations_at_every_layout() {
    String shape = golden() + " --fp16 --initial-loss-scale 16777216 --loss-scale-window 2";
    Output expected = run(shape, "--backend cpu").output;
    List<String> skipped = fields(expected, "number of skipped iterations: +(\\d+)");
    assertThat(skipped).hasSize(12).contains("0", "1");
    for (TinyLayout layout :
        List.of(
            new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN),
            new TinyLayout(1, 2, 2, 1, 1, false, Data.OVERLAPPED))) {
      Output found = run(shape, layout.localFlags()).output;
      for (String field :
          List.of(
              "number of skipped iterations: +(\\d+)",
              "loss scale: (\\S+)",
              "learning rate: (\\S+)")) {
        assertThat(fields(found, field)).isEqualTo(fields(expected, field)).hasSize(12);
      }
      List<String> losses = fields(found, "lm loss: (\\S+)");
      List<String> ofOne = fields(expected, "lm loss: (\\S+)");
      assertThat(losses).hasSameSizeAs(ofOne).hasSizeBetween(1, 11);
      for (int i = 0; i < losses.size(); i++) {
        assertThat(Double.parseDouble(losses.get(i)))
            .isCloseTo(Double.parseDouble(ofOne.get(i)), within(FP16_LOSSES));
      }
    }
  }

  /** Returns what a pattern's group is in the iteration lines that have it. */
  private static List<String> fields(Output output, String pattern) {
    return output.iterations().stream()
        .map(Pattern.compile(pattern)::matcher)
        .filter(Matcher::find)
        .map(match -> match.group(1))
        .toList();
  }

  @Test
  void documents_count_the_same_when_layers_are_recomputed() {
    String shape = golden() + " --eod-mask-loss --reset-attention-mask --reset-position-ids";
    Found expected = alone(shape);
    String full =
        " --recompute-granularity full --recompute-method uniform --recompute-num-layers 1";
    for (String recompute : List.of(full, " --recompute-granularity selective")) {
      assertThat(run(shape + recompute, "--backend cpu").output.losses())
          .isEqualTo(expected.output.losses());
    }
  }

  /** Parameters that ranks share in ways of their own: biases, norms of heads, positions. */
  @ParameterizedTest
  @ValueSource(strings = {QWEN2, QWEN3, GPT, SCALED})
  void variants_of_layers_train_the_same_on_four_ranks(String shape) {
    check(shape, new TinyLayout(2, 1, 2, 1, 1, true, Data.SHARDED));
  }

  @ParameterizedTest
  @ValueSource(strings = {QWEN2, QWEN3, GPT, SCALED})
  @Tag("slow")
  void variants_of_layers_train_the_same_at_every_layout(String shape) {
    TinyLayout.all(4).stream()
        .filter(layout -> layout.fits(2, 2, 4))
        .forEach(layout -> check(shape, layout));
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4, 8})
  @Tag("slow")
  void every_layout_has_the_losses_and_weights_of_one_rank(int worldSize) {
    List<TinyLayout> ofReference =
        TinyLayout.all(worldSize).stream().filter(layout -> layout.fits(2, 2, 4)).toList();
    List<TinyLayout> ofWide =
        TinyLayout.all(worldSize).stream().filter(layout -> layout.fits(8, 8, 8)).toList();
    ofReference.forEach(layout -> check(golden(), layout));
    ofWide.forEach(layout -> check(WIDE, layout));
    System.out.printf(
        "%d layouts of %d ranks equal one rank (%d of the reference run, %d of a wider model)%n",
        ofReference.size() + ofWide.size(), worldSize, ofReference.size(), ofWide.size());
  }

  private void check(String shape, TinyLayout layout) {
    Found expected = alone(shape);
    Found found = run(shape, layout.localFlags());
    assertClose(found.output.losses(), expected.output.losses(), layout);
    assertClose(found.output.evaluations(), expected.output.evaluations(), layout);
    assertThat(found.weights).containsOnlyKeys(expected.weights.keySet());
    expected.weights.forEach(
        (name, values) ->
            assertThat(
                    HostValues.relativeError(
                        found.weights.getOrDefault(name, new double[0]), values))
                .as("%s at %s", name, layout)
                .isLessThan(WEIGHTS));
  }

  private static void assertClose(List<Double> actual, List<Double> expected, TinyLayout layout) {
    assertThat(actual).as(layout.toString()).hasSameSizeAs(expected).isNotEmpty();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i))
          .as("loss %d at %s", i, layout)
          .isCloseTo(expected.get(i), within(LOSSES));
    }
  }

  private Found alone(String shape) {
    return onOneRank.computeIfAbsent(shape, key -> run(key, "--backend cpu"));
  }

  private Found run(String shape, String flags) {
    Path saved = folder.resolve("saved");
    try {
      Output output =
          TinyLlama.run(TinyLlama.words(shape, folder.resolve("cache"), flags, "--save " + saved));
      Map<String, double[]> weights = weights(saved);
      delete(saved);
      return new Found(output, weights);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, double[]> weights(Path saved) {
    Checkpoint checkpoint = Checkpoints.find(saved, null);
    ModelConfig config = SavedArguments.of(checkpoint).shape().model();
    try (TestDevice device = new TestDevice()) {
      ParameterBuffers parameters =
          ParameterBuffers.allocate(
              ModelParameters.specs(config), device.scope(), DType.F32, DType.F32);
      checkpoint.load(
          device.device(), StateKind.MODEL, ShardedTensor.ofValues(parameters), VOCAB_SIZE);
      Map<String, double[]> weights = new HashMap<>();
      for (Parameter parameter : parameters.all()) {
        weights.put(parameter.name(), device.read(parameter.value()));
      }
      return weights;
    }
  }

  private static void delete(Path tree) throws IOException {
    try (Stream<Path> files = Files.walk(tree)) {
      files.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    }
  }
}
