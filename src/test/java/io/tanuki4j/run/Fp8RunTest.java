package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonParser;
import io.tanuki4j.cli.ConvertCommand;
import io.tanuki4j.config.Precision;
import io.tanuki4j.error.UserException;
import io.tanuki4j.nn.fp8.Fp8Config;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.run.TinyLayout.Data;
import io.tanuki4j.run.TinyLlama.Output;
import io.tanuki4j.tensor.DType;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Runs whose linear layers multiply numbers of eight bits, emulated on the CPU. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class Fp8RunTest {
  /** Losses begin at 6.3: what three bits of fraction cost a tiny model in eight iterations. */
  private static final double FROM_BF16 = 0.02;

  /**
   * Sums of BF16 in another order; where they fall to the other side of a tie, a number of eight
   * bits changes by a sixteenth.
   */
  private static final double FROM_ONE_RANK = 0.01;

  private static final String SHAPE =
      "--num-layers 4 --hidden-size 32 --ffn-hidden-size 64 --num-attention-heads 2"
          + " --global-batch-size 4 --eval-interval 4 --eval-iters 1 --bf16 --backend cpu";

  private static final String FP8 =
      " --fp8-format hybrid --fp8-amax-history-len 4 --fp8-amax-compute-algo max";

  private static final String PARAM_GATHER = "--fp8-param-gather";

  @TempDir static Path folder;

  private static Output run(String... flags) {
    return TinyLlama.run(
        TinyLlama.words(SHAPE + " --train-iters 8", folder.resolve("cache"), flags));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        FP8,
        " --fp8-format e4m3 --fp8-recipe tensorwise",
        FP8 + " --no-fp8-wgrad --fp8-margin 1",
        FP8 + " --first-last-layers-bf16 --num-layers-at-end-in-bf16 0",
      })
  void losses_stay_near_those_of_bf16(String fp8) {
    Output wide = run();
    Output narrow = run(fp8);
    assertThat(narrow.losses()).isNotEqualTo(wide.losses());
    assertNear(narrow.losses(), wide.losses(), FROM_BF16);
    assertNear(narrow.evaluations(), wide.evaluations(), FROM_BF16);
  }

  /** Biases are added to products of eight bits, which LayerNorm and GELU are written for. */
  @Test
  void losses_of_gpts_layers_stay_near_those_of_bf16() {
    String gpt =
        SHAPE
            + " --train-iters 8 !--swiglu !--disable-bias-linear --normalization LayerNorm"
            + " --position-embedding-type learned_absolute";
    List<Double> wide = TinyLlama.run(TinyLlama.words(gpt, folder.resolve("cache"))).losses();
    List<Double> narrow =
        TinyLlama.run(TinyLlama.words(gpt + FP8, folder.resolve("cache"))).losses();
    assertThat(narrow).isNotEqualTo(wide);
    assertNear(narrow, wide, FROM_BF16);
  }

  @Test
  void layers_that_all_stay_in_bf16_change_no_digit() {
    Output all = run(FP8 + " --first-last-layers-bf16 --num-layers-at-start-in-bf16 4");
    assertThat(all.iterations()).isEqualTo(run().iterations());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--recompute-granularity selective",
        "--recompute-granularity full --recompute-method uniform --recompute-num-layers 1"
      })
  void recomputation_uses_the_same_scales(String recompute) {
    assertThat(run(FP8, recompute).iterations()).isEqualTo(run(FP8).iterations());
    assertThat(run(FP8, "--no-fp8-wgrad", recompute).iterations())
        .isEqualTo(run(FP8, "--no-fp8-wgrad").iterations());
  }

  @Test
  void evaluation_leaves_no_trace() {
    Output evaluated = run(FP8, "--eval-interval 1");
    assertThat(evaluated.iterations()).isEqualTo(run(FP8, "--eval-interval 100").iterations());
  }

  @Test
  void a_run_that_stops_goes_on_bit_by_bit() {
    Output unbroken = run(FP8);
    String checkpoints = folder.resolve("resumed").toString();
    run(FP8, "--save " + checkpoints, "--exit-interval 4");
    Output second = run(FP8, "--save " + checkpoints, "--load " + checkpoints);
    assertThat(second.iterations()).isEqualTo(unbroken.iterations().subList(4, 8));
  }

  @Test
  void scales_of_a_checkpoint_fit_any_layout_and_its_evaluation() {
    String checkpoints = folder.resolve("layouts").toString();
    Output unbroken = run(FP8);
    String layout = new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN).localFlags();
    Output first = run(FP8, layout, "--save " + checkpoints, "--exit-interval 4");
    Output second = run(FP8, "--load " + checkpoints);
    assertNear(second.losses(), unbroken.losses().subList(4, 8), FROM_ONE_RANK);
    Output evaluated =
        TinyLlama.evaluate(
            TinyLlama.words(
                SHAPE + " --train-iters 8", folder.resolve("cache"), FP8, "--load " + checkpoints));
    assertThat(evaluated.evaluations()).isNotEmpty();
    assertNear(
        evaluated.evaluations().subList(0, 1), first.evaluations().subList(0, 1), FROM_ONE_RANK);
  }

  @Test
  void scales_are_converted_to_another_layout() throws IOException {
    Path saved = folder.resolve("unconverted");
    run(FP8, "--save " + saved, "--exit-interval 4");
    Path split = folder.resolve("split");
    assertThat(convert(saved, split, "--target-tensor-parallel-size=2"))
        .contains("with optimizer state and fp8 scales, shards of tp 2 x pp 1");
    Path stages = folder.resolve("stages");
    convert(split, stages, "--target-tensor-parallel-size=1", "--target-pipeline-parallel-size=2");
    for (int rank = 0; rank < 2; rank++) {
      assertThat(stages.resolve("iter_0000004/fp8-rank0000%d.safetensors".formatted(rank)))
          .isNotEmptyFile();
    }
    Output original = run(FP8, "--load " + saved);
    for (Path converted : List.of(split, stages)) {
      Output resumed = run(FP8, "--load " + converted);
      assertThat(resumed.iterations()).isEqualTo(original.iterations());
      assertThat(resumed.text()).doesNotContain("fp8 scales");
    }
  }

  private static String convert(Path from, Path to, String... layout) throws IOException {
    ConvertCommand command = new ConvertCommand();
    StringWriter output = new StringWriter();
    List<String> words =
        new ArrayList<>(
            List.of(
                "--loader=tanuki4j", "--saver=tanuki4j", "--load-dir=" + from, "--save-dir=" + to));
    words.addAll(List.of(layout));
    new CommandLine(command)
        .setOut(new PrintWriter(output))
        .parseArgs(words.toArray(String[]::new));
    assertThat(command.call()).isZero();
    return output.toString();
  }

  @Test
  void another_length_of_history_is_refused() {
    String checkpoints = folder.resolve("history").toString();
    run(FP8, "--save " + checkpoints, "--exit-interval 2");
    assertThatThrownBy(() -> run(FP8, "--load " + checkpoints, "--fp8-amax-history-len 8"))
        .hasMessageContaining("its fp8 state does not fit")
        .hasMessageContaining("Give --fp8-amax-history-len");
    assertThat(
            run(FP8, "--load " + checkpoints, "--fp8-amax-history-len 8", "--no-load-optim")
                .losses())
        .hasSize(6);
  }

  @Test
  void device_without_such_products_ends_the_run_with_a_sentence() {
    Precision bf16 = new Precision(DType.BF16, DType.F32, StateTypes.wide(DType.F32));
    Precision fp8 = new Precision(bf16.compute(), DType.F32, bf16.state(), Fp8Config.hybrid());
    Optional<String> obstacle = Optional.of("NVIDIA A100 has compute capability 8.0");
    RankModel.requireFp8(bf16, obstacle);
    RankModel.requireFp8(fp8, Optional.empty());
    assertThatThrownBy(() -> RankModel.requireFp8(fp8, obstacle))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "--fp8-format: NVIDIA A100 has compute capability 8.0 (expected: 8.9 or later)."
                + " Leave the --fp8-… flags out, and train in bf16.");
  }

  @Test
  void checkpoints_of_bf16_go_on_in_eight_bits_and_back() {
    String checkpoints = folder.resolve("mixed").toString();
    String saved = "--save " + checkpoints + " --load " + checkpoints;
    run("--save " + checkpoints, "--exit-interval 3");
    assertThat(run(FP8, saved, "--exit-interval 6").text())
        .contains(" " + checkpoints + "/iter_0000003 has no fp8 scales, so they begin anew");
    Output last = run(saved);
    assertNear(last.losses(), run().losses().subList(6, 8), FROM_BF16);
  }

  static List<TinyLayout> layouts() {
    return List.of(
        new TinyLayout(2, 1, 1, 1, 1, false, Data.PLAIN),
        new TinyLayout(2, 1, 1, 1, 1, true, Data.PLAIN),
        new TinyLayout(1, 2, 1, 1, 1, false, Data.PLAIN),
        new TinyLayout(1, 1, 2, 1, 1, false, Data.OVERLAPPED),
        new TinyLayout(1, 1, 1, 2, 1, false, Data.PLAIN),
        new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN),
        new TinyLayout(1, 2, 2, 1, 1, false, Data.SHARDED),
        new TinyLayout(1, 1, 1, 2, 2, false, Data.PLAIN));
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void layouts_have_the_losses_of_one_rank(TinyLayout layout) {
    assertLikeOneRank(FP8, layout);
  }

  /** The sequence is long enough for eight ranks that share it. */
  @ParameterizedTest
  @ValueSource(ints = {2, 4, 8})
  @Tag("slow")
  void every_layout_has_the_losses_of_one_rank(int worldSize) {
    String fp8 = FP8 + " --seq-length 128 --max-position-embeddings 128";
    Output alone = run(fp8);
    for (TinyLayout layout : TinyLayout.all(worldSize)) {
      if (layout.fits(4, 2, 4)) {
        assertNear(run(fp8, layout.localFlags()), alone, layout);
      }
    }
  }

  @Test
  @Tag("gpu")
  void gpu_has_the_losses_of_the_emulation() {
    assertNear(run(FP8, "--backend cuda").losses(), run(FP8).losses(), FROM_ONE_RANK);
    String wide = FP8 + " --no-fp8-wgrad";
    assertNear(run(wide, "--backend cuda").losses(), run(wide).losses(), FROM_ONE_RANK);
  }

  static List<TinyLayout> shardedLayouts() {
    return List.of(
        new TinyLayout(1, 1, 2, 1, 1, false, Data.SHARDED),
        new TinyLayout(2, 1, 2, 1, 1, true, Data.OVERLAPPED));
  }

  /** Evaluations lie between the gather and the forward that needs it. */
  @ParameterizedTest
  @MethodSource("shardedLayouts")
  void weights_gathered_in_eight_bits_change_no_digit(TinyLayout layout) {
    for (String recipe : List.of(FP8, FP8 + " --fp8-recipe tensorwise")) {
      Output wide = run(recipe, layout.localFlags());
      Output narrow = run(recipe, layout.localFlags(), PARAM_GATHER);
      assertThat(narrow.iterations()).isEqualTo(wide.iterations());
      assertThat(narrow.evaluations()).isEqualTo(wide.evaluations());
    }
  }

  @Test
  void layers_in_bf16_are_gathered_in_bf16() {
    String some = FP8 + " --first-last-layers-bf16";
    String layout = new TinyLayout(1, 1, 2, 1, 1, false, Data.OVERLAPPED).localFlags();
    assertThat(run(some, layout, PARAM_GATHER).iterations())
        .isEqualTo(run(some, layout).iterations());
  }

  /** In BF16 a rank has only its own shards of them until the checkpoint is written. */
  @Test
  void a_checkpoint_has_whole_weights_that_were_gathered_in_eight_bits() {
    String checkpoints = folder.resolve("gathered").toString();
    String layout = new TinyLayout(1, 1, 2, 1, 1, false, Data.OVERLAPPED).localFlags();
    Output unbroken = run(FP8, layout);
    run(FP8, layout, PARAM_GATHER, "--save " + checkpoints, "--exit-interval 4");
    Output wide = run(FP8, layout, "--load " + checkpoints);
    Output narrow = run(FP8, layout, PARAM_GATHER, "--load " + checkpoints);
    assertThat(wide.iterations()).isEqualTo(unbroken.iterations().subList(4, 8));
    assertThat(narrow.iterations()).isEqualTo(unbroken.iterations().subList(4, 8));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--fp8-recipe delayed", "--fp8-recipe tensorwise"})
  void watching_changes_no_digit(String recipe) {
    Output watched = run(FP8, recipe, "--log-fp8");
    assertThat(watched.iterations()).isEqualTo(run(FP8, recipe).iterations());
    assertThat(watched.text()).contains("mlp.down.input", "attention.qkv.gradient");
  }

  /** In the first iteration a weight's largest number is at the limit, or half of it. */
  @Test
  void watched_numbers_are_those_of_the_scales() throws IOException {
    List<Map<String, Double>> plain = metrics("plain", "--fp8-margin 0");
    List<Map<String, Double>> halved = metrics("halved", "--fp8-margin 1");
    assertThat(plain).hasSize(8);
    assertThat(plain.get(0).keySet()).filteredOn(name -> name.startsWith("fp8-")).hasSize(36);
    for (String layer : List.of("attention.qkv", "attention.proj", "mlp.gate_up", "mlp.down")) {
      String weight = "/" + layer + ".weight";
      double scale = plain.get(0).getOrDefault("fp8-scale" + weight, Double.NaN);
      assertThat(halved.get(0).get("fp8-scale" + weight)).isEqualTo(scale / 2);
      assertThat(plain.get(0).get("fp8-clipped" + weight)).isPositive().isLessThan(0.1);
      assertThat(halved.get(0).get("fp8-clipped" + weight)).isZero();
      assertThat(plain.get(7).get("fp8-zeros/" + layer + ".gradient")).isBetween(0.0, 0.5);
    }
  }

  /** Parts of tensors and of the model are counted where they are. */
  @Test
  void layouts_have_the_watched_numbers_of_one_rank() throws IOException {
    Map<String, Double> alone = metrics("alone", "--fp8-margin 0").get(0);
    for (TinyLayout layout :
        List.of(
            new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN),
            new TinyLayout(1, 1, 2, 1, 1, false, Data.OVERLAPPED))) {
      Map<String, Double> several = metrics("layout" + layout.tp(), layout.localFlags()).get(0);
      alone.forEach(
          (name, value) -> {
            if (name.startsWith("fp8-") && name.endsWith(".weight")) {
              assertThat(several.get(name)).as(name).isCloseTo(value, within(1e-9));
            }
          });
    }
  }

  private static List<Map<String, Double>> metrics(String name, String flags) throws IOException {
    Path run = folder.resolve(name);
    run(FP8, flags, "--log-fp8 --log-interval 1 --save " + run);
    List<Map<String, Double>> rows = new ArrayList<>();
    for (String line : Files.readAllLines(run.resolve("metrics.jsonl"))) {
      Map<String, Double> row = new HashMap<>();
      JsonParser.parseString(line)
          .getAsJsonObject()
          .entrySet()
          .forEach(
              entry -> {
                if (entry.getValue().isJsonPrimitive()) {
                  row.put(entry.getKey(), entry.getValue().getAsDouble());
                }
              });
      rows.add(row);
    }
    return rows;
  }

  @Test
  void weight_gradients_of_bf16_are_gathered_in_bf16() {
    assertLikeOneRank(FP8 + " --no-fp8-wgrad", new TinyLayout(2, 1, 1, 1, 1, true, Data.PLAIN));
  }

  private static void assertLikeOneRank(String fp8, TinyLayout layout) {
    assertNear(run(fp8, layout.localFlags()), run(fp8), layout);
  }

  private static void assertNear(Output several, Output alone, TinyLayout layout) {
    try {
      assertNear(several.losses(), alone.losses(), FROM_ONE_RANK);
      assertNear(several.evaluations(), alone.evaluations(), FROM_ONE_RANK);
    } catch (AssertionError e) {
      throw new AssertionError(layout + " is not like one rank", e);
    }
  }

  private static void assertNear(List<Double> actual, List<Double> expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected).isNotEmpty();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).as("loss %d", i).isCloseTo(expected.get(i), within(tolerance));
    }
  }
}
