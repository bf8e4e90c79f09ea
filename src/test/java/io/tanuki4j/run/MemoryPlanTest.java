package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.cli.CommandLines;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.run.RankModel.PlanRequest;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MemoryPlanTest {
  private static final long GIB = 1L << 30;

  @TempDir Path folder;
  private CommandLines lines;

  @BeforeEach
  void make_files() throws IOException {
    lines = new CommandLines(folder);
  }

  private RunConfig llama8b(String flags) {
    return lines.config(
        "--num-layers 32 --hidden-size 4096 --ffn-hidden-size 14336 --num-attention-heads 32"
            + " --group-query-attention --num-query-groups 8 --seq-length 8192"
            + " --max-position-embeddings 8192 --micro-batch-size 1"
            + " --untie-embeddings-and-output-weights "
            + (flags.contains("--fp16") ? flags : "--bf16 " + flags));
  }

  private static MemoryPlan plan(RunConfig config) {
    return MemoryPlan.of(part(config, 128_256));
  }

  private static PlanRequest part(RunConfig config, int vocabSize) {
    return PlanRequest.of(config, config.model().withVocabSize(vocabSize), 0);
  }

  @Test
  void weights_gradients_and_optimizer_take_18_bytes_a_parameter() {
    RunConfig config = llama8b("");
    ModelConfig model = config.model().withVocabSize(128_256);
    long parameters = ModelParameters.count(model);
    MemoryPlan plan = plan(config);
    assertThat(plan.weights()).isEqualTo(2 * parameters);
    assertThat(plan.gradients()).isEqualTo(4 * parameters);
    assertThat(plan.optimizer()).isEqualTo(12 * parameters);
  }

  @Test
  void replicas_share_the_state_of_a_distributed_optimizer() {
    RunConfig config =
        llama8b(
            "--distributed-backend local --local-ranks 4 --use-distributed-optimizer"
                + " --overlap-grad-reduce");
    ModelConfig model = config.model().withVocabSize(128_256);
    long parameters = ModelParameters.count(model);
    MemoryPlan plan = plan(config);
    assertThat(plan.weights()).isEqualTo(2 * parameters);
    assertThat(plan.gradients()).isEqualTo(4 * parameters);
    assertThat(plan.optimizer()).isEqualTo(12 * parameters / 4);
  }

  @Test
  void bf16_for_everything_takes_8_bytes_a_parameter() {
    MemoryPlan plan =
        plan(
            llama8b(
                "--main-grads-dtype bf16 --main-params-dtype bf16 --exp-avg-dtype bf16"
                    + " --exp-avg-sq-dtype bf16"));
    long parameters = ModelParameters.count(llama8b("").model().withVocabSize(128_256));
    assertThat(plan.total() - plan.activations()).isEqualTo(8 * parameters);
  }

  /** Three saved inputs of a layer shrink by half; attention's output is kept in both forms. */
  @Test
  void eight_bits_take_two_bytes_a_weight_more_and_fewer_for_activations() {
    MemoryPlan wide = plan(llama8b(""));
    MemoryPlan narrow = plan(llama8b("--fp8-format hybrid"));
    long projections = 32L * (6144 * 4096 + 4096 * 4096 + 3 * 4096 * 14336);
    assertThat(narrow.weights() - wide.weights()).isEqualTo(2 * projections);
    long tokens = 8192;
    long saved = 32 * tokens * ((2 - 1) * (4096 + 4096 + 14336) - 4096);
    assertThat(wide.activations() - narrow.activations()).isBetween(saved - GIB, saved);
  }

  @Test
  void weights_gathered_in_eight_bits_are_half_the_bytes_and_take_no_more_memory() {
    String sharded =
        "--fp8-format hybrid --distributed-backend local --local-ranks 4 --global-batch-size 4"
            + " --use-distributed-optimizer";
    PlanRequest wide = part(llama8b(sharded), 65_536);
    PlanRequest narrow = part(llama8b(sharded + " --fp8-param-gather"), 65_536);
    long projections = 32L * (6144 * 4096 + 4096 * 4096 + 3 * 4096 * 14336);
    long saved = bytesSent(wide, "dp_cp") - bytesSent(narrow, "dp_cp");
    assertThat(saved).isEqualTo(projections * 3 / 4);
    assertThat(MemoryPlan.of(narrow)).isEqualTo(MemoryPlan.of(wide));
  }

  /**
   * A layer gathers two inputs in the forward, and in the backward these again and two gradients:
   * in eight bits, a byte less for each number. Amaxes are a few bytes.
   */
  @Test
  void shards_of_the_sequence_are_gathered_in_eight_bits() {
    String split =
        "--distributed-backend local --local-ranks 2 --tensor-model-parallel-size 2"
            + " --sequence-parallel";
    PlanRequest wide = part(llama8b(split), 65_536);
    PlanRequest narrow = part(llama8b(split + " --fp8-format hybrid"), 65_536);
    long gathered = 6L * 32 * 8192 * 4096 / 2;
    assertThat(bytesSent(wide, "tp") - bytesSent(narrow, "tp"))
        .isBetween(gathered - 100_000, gathered);
  }

  private static long bytesSent(PlanRequest request, String group) {
    try (Rehearsal rehearsal = new Rehearsal(request)) {
      return rehearsal.iteration(1).bytesSent().getOrDefault(group, 0L);
    }
  }

  @Test
  void full_recomputation_keeps_one_input_a_layer() {
    long kept = plan(llama8b("")).activations();
    long recomputed =
        plan(llama8b(
                "--recompute-granularity full --recompute-method uniform"
                    + " --recompute-num-layers 1"))
            .activations();
    long input = 8192L * 4096 * 2;
    assertThat(kept).isGreaterThan(30 * GIB);
    assertThat(recomputed).isGreaterThan(32 * input).isLessThan(32 * input + 4 * GIB);
  }

  @Test
  void a_run_that_does_not_fit_is_told_which_flags_would() {
    RunConfig config = llama8b("");
    assertThatThrownBy(() -> MemoryPlan.thatFits(part(config, 65_536), 78 * GIB, 1))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("memory: weights 14.00, gradients 28.00, optimizer 84.00")
        .hasMessageContaining("(expected: at most the 78.00 GiB that are free)")
        .hasMessageContaining(
            "These would fit: --recompute-granularity full --recompute-method uniform"
                + " --recompute-num-layers 1 --bf16 --main-grads-dtype bf16 --exp-avg-dtype bf16"
                + " --exp-avg-sq-dtype bf16 --main-params-dtype bf16 (");
    assertThatThrownBy(() -> MemoryPlan.thatFits(part(config, 65_536), GIB, 1))
        .hasMessageEndingWith("Use a smaller model, or more GPUs.");
  }

  @Test
  void replicas_are_told_to_share_their_optimizer() {
    String replicas = "--distributed-backend local --local-ranks 4";
    String sharded = "--use-distributed-optimizer";
    assertThat(MemoryPlan.remedy(part(llama8b(replicas), 65_536), 100 * GIB))
        .startsWith("These would fit: --use-distributed-optimizer (");
    assertThat(MemoryPlan.remedy(part(llama8b(""), 65_536), 100 * GIB)).doesNotContain(sharded);
    assertThat(MemoryPlan.remedy(part(llama8b(replicas + " " + sharded), 65_536), 70 * GIB))
        .doesNotContain(sharded);
  }

  /** Optimizer state in bf16 needs weights in bf16. */
  @Test
  void a_run_in_fp16_is_told_to_leave_it() {
    RunConfig config = llama8b("--fp16");
    assertThat(MemoryPlan.remedy(part(config, 65_536), 110 * GIB))
        .contains("--bf16 (instead of --fp16) --main-grads-dtype bf16");
    assertThat(MemoryPlan.remedy(part(llama8b(""), 65_536), 110 * GIB))
        .contains("--bf16 --main-grads-dtype bf16");
  }

  @Test
  void ranks_that_share_a_gpu_fit_if_the_share_of_each_does() {
    PlanRequest part = part(llama8b(""), 65_536);
    long total = MemoryPlan.of(part).total();
    assertThat(MemoryPlan.thatFits(part, 2 * total, 2).total()).isEqualTo(total);
    assertThatThrownBy(() -> MemoryPlan.thatFits(part, 150 * GIB, 2))
        .hasMessageContaining(
            "(expected: at most 75.00 GiB, as 2 ranks share the 150.00 GiB that are free)");
  }
}
