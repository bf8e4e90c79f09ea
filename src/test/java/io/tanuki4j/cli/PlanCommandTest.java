package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;

class PlanCommandTest {
  private static final String LLAMA_8B =
      "--num-layers 32 --hidden-size 4096 --ffn-hidden-size 14336 --num-attention-heads 32"
          + " --group-query-attention --num-query-groups 8 --seq-length 8192"
          + " --max-position-embeddings 8192 --micro-batch-size 1 --global-batch-size 64"
          + " --untie-embeddings-and-output-weights --bf16 --swiglu --normalization RMSNorm"
          + " --position-embedding-type rope --disable-bias-linear --attention-dropout 0"
          + " --hidden-dropout 0 --padded-vocab-size 128256 ";

  private record Output(int code, List<String> out, String err) {
    List<String> row(String first) {
      String line = out.stream().filter(text -> text.startsWith(first)).findFirst().orElseThrow();
      return List.of(line.substring(first.length()).strip().split(" +", -1));
    }
  }

  private static Output plan(String flags) {
    return planned(LLAMA_8B + flags);
  }

  private static Output planned(String flags) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int code = Main.run(commandLine, ("plan " + flags).strip().split(" +", -1));
    return new Output(code, out.toString().lines().toList(), err.toString());
  }

  @Test
  void shows_what_ranks_hold_and_send_and_that_it_fits() {
    Output plan = plan("--pipeline-model-parallel-size 4 --device-memory 80");
    assertThat(plan.code).as(plan.err).isZero();
    assertThat(plan.out.get(0))
        .isEqualTo("4 ranks: tp 1 x cp 1 x dp 1 x pp 4; layers of the stages: 8, 8, 8, 8");
    assertThat(plan.out.get(1))
        .startsWith("an iteration: on each rank 64 micro-batches of 1 x 8192 tokens; 1f1b, stages")
        .endsWith(" % of the time");
    assertThat(plan.row("GiB held by each rank"))
        .containsExactly(
            "weights", "gradients", "optimizer", "activations", "tables", "workspaces", "total");
    assertThat(plan.row("of stage 1")).startsWith("3.250", "6.500", "19.501");
    assertThat(plan.out).contains("fits into 80.0 GiB");
    assertThat(plan.row("sent by each rank")).contains("pp");
  }

  /**
   * Llama 3 8B. A token takes 6 operations for each weight of a matrix that multiplies it, 45.03 G,
   * and 6·32·4096·8192 = 6.44 G for attention.
   */
  @Test
  void shows_parameters_operations_and_days_of_the_whole_run() {
    String run = "--train-iters 1000 --tensor-model-parallel-size 2 --measured-tflops 500";
    Output plan = plan(run);
    assertThat(plan.code).as(plan.err).isZero();
    assertThat(plan.out)
        .contains(
            "in all: 8,030,261,248 parameters; 1000 iterations of 524,288 tokens and 26.985 PFLOP,"
                + " together 524,288,000 tokens and 26.985 EFLOP")
        .contains("at 500.0 TFLOP/s on each of 2 ranks the run takes 0.31 days");
    assertThat(plan("--measured-tflops 0").err).contains("--measured-tflops: 0.0 (expected: above");
  }

  @Test
  void json_has_the_same_numbers_in_bytes() {
    Output plan = plan("--train-iters 10 --pipeline-model-parallel-size 4 --json");
    JsonObject json = JsonParser.parseString(String.join("\n", plan.out)).getAsJsonObject();
    assertThat(json.getAsJsonObject("run").get("parameters").getAsLong()).isEqualTo(8_030_261_248L);
    assertThat(json.getAsJsonObject("layout").get("pipeline").getAsInt()).isEqualTo(4);
    assertThat(json.getAsJsonArray("stages")).hasSize(4);
    long weights =
        json.getAsJsonArray("stages").get(1).getAsJsonObject().get("weights").getAsLong();
    assertThat(weights / (double) (1 << 30)).isCloseTo(3.250, within(5e-4));
    assertThat(json.has("days")).isFalse();
  }

  @Test
  void a_run_that_does_not_fit_ends_with_what_would_help() {
    Output plan = plan("--device-memory 60 --pipeline-model-parallel-size 4");
    assertThat(plan.code).isEqualTo(1);
    assertThat(plan.row("of stage 0")).hasSize(7);
    assertThat(plan.err)
        .contains(
            "GiB on the ranks of stage 0 (expected: at most the 60.00 GiB of --device-memory)")
        .contains("These would fit: --recompute-granularity full");
  }

  /** The sentence of RankModel.requireFp8, which a run on such a device ends with. */
  @Test
  void devices_are_known_by_what_they_can_do() {
    String fp8 = "--fp8-format hybrid --pipeline-model-parallel-size 4 --device ";
    for (String old : List.of("A100", "rtx3090")) {
      assertThat(plan(fp8 + old).err)
          .containsPattern("--fp8-format: (A100|RTX3090) has compute capability 8\\.[06]")
          .contains("(expected: 8.9 or later). Leave the --fp8-… flags out, and train in bf16.");
    }
    assertThat(plan(fp8 + "8.6").err).contains("a GPU has compute capability 8.6 (expected: 8.9");
    assertThat(plan(fp8 + "8.9").code).isZero();
    assertThat(plan(fp8 + "H100").out).contains("fits into 79.0 GiB");
    assertThat(plan("--pipeline-model-parallel-size 4 --device A100").code).isZero();
  }

  @Test
  void devices_are_known_by_their_memory() {
    assertThat(plan("--pipeline-model-parallel-size 4 --device A100-40GB").err)
        .contains("(expected: at most the 40.00 GiB of --device A100-40GB)");
    assertThat(plan("--pipeline-model-parallel-size 4 --device A100 --device-memory 30").err)
        .contains("(expected: at most the 30.00 GiB of --device-memory)");
    assertThat(plan("--device TPU").err)
        .contains("--device: TPU (expected: one of A10, A100,")
        .contains("write its compute capability");
  }

  /** It would be wrong to say that a model fits whose largest tensors have unknown sizes. */
  @Test
  void an_unknown_vocabulary_gives_lower_bounds_and_fits_nothing() {
    String unknown =
        LLAMA_8B.replace("--padded-vocab-size 128256", "--tokenizer-type Llama3Tokenizer")
            + "--tokenizer-model missing/llama3 ";
    Output plan = planned(unknown + "--pipeline-model-parallel-size 4");
    assertThat(plan.code).as(plan.err).isZero();
    assertThat(plan.out)
        .contains(
            "missing/llama3 does not exist, so the vocabulary is unknown. All sizes below count 128"
                + " ids and are lower bounds; add --padded-vocab-size N for the real ones.");
    for (String limit : List.of("--device H100", "--device-memory 80")) {
      assertThat(planned(unknown + limit).err)
          .contains("--padded-vocab-size: not given (expected: the rows of the embedding, as");
    }
  }

  @Test
  void layouts_are_refused_as_in_training() {
    assertThat(plan("--pipeline-model-parallel-size 4 --world-size 6").err)
        .contains("world size: 6 (expected: a multiple of");
    assertThat(plan("--device-memory 0").err).contains("--device-memory: 0.0 (expected: above 0)");
  }
}
