package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.config.RunConfig;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import picocli.CommandLine;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BenchCommandTest {
  private static final double ROUNDING = 1e-9;

  private static final String MODEL =
      "--num-layers 2 --hidden-size 64 --ffn-hidden-size 128 --num-attention-heads 4"
          + " --seq-length 32 --max-position-embeddings 32 --position-embedding-type rope"
          + " --normalization RMSNorm --swiglu --disable-bias-linear --attention-dropout 0"
          + " --hidden-dropout 0 --untie-embeddings-and-output-weights --micro-batch-size 2"
          + " --global-batch-size 4 --backend cpu";

  private final Output output = run("--padded-vocab-size 200 --bench-iterations 3 --profile");
  private JsonObject report = new JsonObject();

  private record Output(int code, List<String> out, String err) {}

  private static Output run(String flags) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int code = Main.run(commandLine, ("bench " + MODEL + " " + flags).split(" ", -1));
    return new Output(code, out.toString().lines().toList(), err.toString());
  }

  /** The last line; a reader that takes it needs to know nothing about the table. */
  @BeforeAll
  void read_the_json() {
    assertThat(output.code).as(output.err).isZero();
    String last = output.out.get(output.out.size() - 1);
    report = JsonParser.parseString(last).getAsJsonObject();
  }

  @Test
  void says_what_was_measured() {
    JsonObject run = report.getAsJsonObject("run");
    assertThat(run.get("iterations").getAsInt()).isEqualTo(3);
    assertThat(run.get("vocab_size").getAsInt()).isEqualTo(200);
    assertThat(run.get("dtype").getAsString()).isEqualTo("F32");
    assertThat(run.get("num_parameters").getAsLong()).isEqualTo(numParameters());
    assertThat(output.err).contains("> backend cpu on").contains("random tokens");
  }

  @Test
  void rates_follow_from_the_time_of_an_iteration() {
    JsonObject speed = report.getAsJsonObject("speed");
    double seconds = speed.get("ms_per_iteration").getAsDouble() / 1e3;
    double tokens = 4 * 32;
    // In multiply-adds: query, key, value, output; gate, up, down; head.
    double weights = 2 * (4 * 64 * 64 + 3 * 64 * 128) + 64 * 200;
    double halfOfAttention = 2 * 64 * 32;
    double causal = tokens * 6 * (weights + halfOfAttention) / seconds / 1e12;
    assertClose(speed, "tokens_per_second", tokens / seconds);
    assertClose(speed, "tflops_causal", causal);
    assertClose(
        speed, "tflops_full", tokens * 6 * (weights + 2 * halfOfAttention) / seconds / 1e12);
    assertClose(speed, "mfu_of_matmul", causal / speed.get("matmul_tflops").getAsDouble());
    assertThat(speed.get("ms_per_iteration").getAsDouble())
        .isBetween(
            speed.get("ms_per_iteration_min").getAsDouble(),
            speed.get("ms_per_iteration_max").getAsDouble());
    assertThat(speed.get("copy_gb_per_second").getAsDouble()).isPositive();
    assertThat(speed.has("peak_tflops")).as("of a CPU nobody states it").isFalse();
  }

  @Test
  void memory_is_as_planned_and_does_not_grow() {
    JsonObject memory = report.getAsJsonObject("memory");
    long state = memory.get("weights_and_optimizer_bytes").getAsLong();
    assertThat(state).isBetween(16 * numParameters(), 16 * numParameters() + (1 << 16));
    assertThat(memory.get("planned_bytes").getAsLong())
        .isBetween(state, memory.get("reached_bytes").getAsLong());
    assertThat(memory.get("taken_after_iteration2_bytes").getAsLong()).isZero();
  }

  @Test
  void the_run_has_trained() {
    assertThat(report.get("loss").getAsDouble()).isCloseTo(Math.log(200), within(0.3));
    assertThat(report.get("seconds_to_first_iteration").getAsDouble()).isPositive();
    assertThat(report.getAsJsonObject("heap").get("allocated_bytes").getAsLong()).isPositive();
  }

  @Test
  void a_profile_is_a_table_before_the_json_and_its_families_add_up() {
    assertThat(output.out.get(0)).contains("kernel").contains("roofline");
    assertThat(output.out).anyMatch(line -> line.startsWith("causalAttentionBackward"));
    JsonObject profile = report.getAsJsonObject("profile");
    JsonObject families = profile.getAsJsonObject("ms_by_family");
    assertThat(families.keySet())
        .containsExactlyInAnyOrder(
            "matmul",
            "attention",
            "norm",
            "rope",
            "activation",
            "embedding",
            "loss",
            "optimizer",
            "elementwise");
    double sum = families.entrySet().stream().mapToDouble(e -> e.getValue().getAsDouble()).sum();
    assertClose(profile, "ms_per_iteration", sum);
  }

  /** So that its cost can be measured. */
  @Test
  void counts_what_scales_do_with_log_fp8() {
    String fp8 =
        "--padded-vocab-size 200 --bench-iterations 1 --bench-warmup 2 --profile --bf16"
            + " --fp8-format hybrid";
    assertThat(run(fp8 + " --log-fp8").out).anyMatch(line -> line.startsWith("tally"));
    assertThat(run(fp8).out).noneMatch(line -> line.startsWith("tally"));
  }

  @Test
  void a_script_of_pretrain_works_without_its_data() {
    String flags =
        "--tokenizer-type NullTokenizer --vocab-size 100 --train-samples 400 --lr 1e-3"
            + " --lr-warmup-samples 40 --data-path nowhere --mock-data"
            + " --profile";
    BenchCommand command = new BenchCommand();
    new CommandLine(command).parseArgs((MODEL + " " + flags).split(" ", -1));
    RunConfig config =
        command
            .options
            .resolve(command.spec, Map.of(), (folder, iteration) -> Optional.empty())
            .config();
    assertThat(config.tokenizer().vocabSize()).isEqualTo(100);
    assertThat(config.schedule().rate().max()).isEqualTo(1e-3);
  }

  @Test
  void names_what_is_wrong() {
    Output noVocabulary = run("--bench-iterations 1");
    assertThat(noVocabulary.code).isEqualTo(2);
    assertThat(noVocabulary.err)
        .contains("--vocab-size: not given (expected: an integer, since the tokenizer is");
    Output tooFew = run("--vocab-size 99 --bench-warmup 1 --bench-iterations 0");
    assertThat(tooFew.code).isEqualTo(2);
    assertThat(tooFew.err)
        .contains("--bench-warmup: 1 (expected: 2 or more).")
        .contains("--bench-iterations: 0 (expected: more than 0).");
  }

  private static long numParameters() {
    return 2 * (4 * 64 * 64 + 3 * 64 * 128 + 2 * 64) + 64 + 2 * 64 * 200;
  }

  private static void assertClose(JsonObject object, String name, double expected) {
    assertThat(object.get(name).getAsDouble())
        .as(name)
        .isCloseTo(expected, within(ROUNDING * Math.abs(expected)));
  }
}
