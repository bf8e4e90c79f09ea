package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.config.Precision;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.data.DataConfig.Blend;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.optim.LossScaling;
import io.tanuki4j.optim.ScheduleConfig;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.train.ProfileConfig;
import io.tanuki4j.train.TrainConfig.Batches;
import io.tanuki4j.train.TrainConfig.Rampup;
import io.tanuki4j.train.TrainConfig.Step;
import io.tanuki4j.train.TrainConfig.Steps;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What flags mean: values, derived values, and the records they become. */
class PretrainCommandTest {
  @TempDir Path folder;
  private CommandLines lines;

  @BeforeEach
  void make_files() throws IOException {
    lines = new CommandLines(folder);
  }

  @ParameterizedTest
  @CsvSource({"64, 128", "2048, 5440", "4096, 10880", "5120, 13632", "8192, 21824"})
  void ffn_hidden_size_is_two_thirds_of_four_hidden_sizes_in_multiples_of_64(int hidden, int ffn) {
    assertThat(lines.config("--hidden-size " + hidden).model().sizes().ffnHiddenSize())
        .isEqualTo(ffn);
  }

  @Test
  void heads_divide_the_hidden_size_and_have_their_own_groups() {
    ModelConfig model = lines.config("").model();
    assertThat(model.attention().headDim()).isEqualTo(16);
    assertThat(model.attention().numQueryGroups()).isEqualTo(4);
    assertThat(model.embeddings().tied()).isTrue();
    assertThat(model.sizes().vocabSize()).as("not known before the tokenizer is open").isZero();
  }

  @Test
  void a_later_flag_replaces_an_earlier_one_lists_too() {
    RunConfig config =
        lines.config("--num-layers 3 --num-layers=5 --data-path 2 DIR/other_document");
    assertThat(config.model().sizes().numLayers()).isEqualTo(5);
    assertThat(config.data().sources().shared())
        .isEqualTo(new Blend(List.of(folder + "/other_document"), List.of(2.0)));
  }

  @Test
  void an_even_number_of_prefixes_without_weights_is_not_taken_for_pairs() {
    RunConfig config = lines.config("--data-path DIR/text_document DIR/other_document");
    assertThat(config.data().sources().shared())
        .isEqualTo(new Blend(List.of(folder + "/text_document", folder + "/other_document"), null));
  }

  @Test
  void numbers_follow_python() {
    RunConfig config =
        lines.config("--train-iters 1_000 --lr .5e-3 --min-lr 1e-4 --lr-warmup-iters +5");
    assertThat(config.train().length().iterations()).isEqualTo(1000);
    assertThat(config.schedule().rate().max()).isEqualTo(5e-4);
    assertThat(config.schedule().rate().warmupSamples()).isEqualTo(10);
  }

  @Test
  void both_spellings_of_the_rotary_base_work() {
    assertThat(lines.config("--rope-theta 10000.5").model().rotary().base()).isEqualTo(10000.5);
    assertThat(lines.config("--rotary-base 500_000").model().rotary().base()).isEqualTo(500000);
    assertThat(lines.config("--rope-theta 500000.0").arguments())
        .containsEntry("rotary_base", 500000)
        .containsEntry("rope_theta", 500000.0);
  }

  @Test
  void the_z_loss_has_a_switch_and_a_strength() {
    assertThat(lines.config("").model().training().zLoss()).isZero();
    assertThat(lines.config("--use-z-loss").model().training().zLoss()).isEqualTo(1e-4);
    assertThat(lines.config("--use-z-loss --z-loss-strength 2e-4").model().training().zLoss())
        .isEqualTo(2e-4);
  }

  @Test
  void recompute_activations_wins_over_the_granularity() {
    assertThat(lines.config("--recompute-activations").model().training().recompute().granularity())
        .isEqualTo(Granularity.SELECTIVE);
    assertThat(
            lines
                .config(
                    "--recompute-granularity full --recompute-method block --recompute-num-layers"
                        + " 1")
                .model()
                .training()
                .recompute())
        .isEqualTo(new ModelConfig.Recompute(Granularity.FULL_BLOCK, 1));
  }

  @Test
  void a_schedule_in_iterations_is_counted_in_samples() {
    ScheduleConfig schedule =
        lines
            .config("--global-batch-size 4 --lr-warmup-iters 3 --lr-decay-style cosine")
            .schedule();
    assertThat(schedule.rate().style()).isEqualTo(DecayStyle.COSINE);
    assertThat(schedule.rate().warmupSamples()).isEqualTo(12);
    assertThat(schedule.rate().decaySamples()).isEqualTo(40);
    assertThat(schedule.weightDecay().samples()).isEqualTo(40);
  }

  @Test
  void a_run_in_samples_gets_its_iterations_through_the_growth_of_the_batch() {
    // 2 samples for the first 10, 4 for the next 10, then 6: 5 + 3 iterations reach 22 of 40.
    RunConfig config =
        lines
            .resolve(
                CommandLines.SMALLEST.replace("--train-iters 10", "--train-samples 40")
                    + " --global-batch-size 6 --rampup-batch-size 2 2 20")
            .config();
    assertThat(config.train().batches().growth()).isEqualTo(new Rampup(2, 2, 20));
    assertThat(config.train().length().iterations()).isEqualTo(8 + 3);
    assertThat(config.train().length().samples()).isEqualTo(40);
    assertThat(config.schedule().rate().decaySamples()).isEqualTo(40);
  }

  @Test
  void a_batch_of_the_growth_that_samples_are_not_enough_for_is_no_iteration() {
    RunConfig config =
        lines
            .resolve(
                CommandLines.SMALLEST.replace("--train-iters 10", "--train-samples 15")
                    + " --global-batch-size 6 --rampup-batch-size 2 2 20")
            .config();
    // 5 iterations of 2 samples, one of 4: the next 4 would end after sample 15.
    assertThat(config.train().length().iterations()).isEqualTo(6);
  }

  /** Samples as megatron-core's calculator has them. */
  @Test
  void a_batch_size_schedule_in_tokens_becomes_one_in_samples() {
    Batches batches =
        lines
            .resolve(
                CommandLines.SMALLEST
                    + " --seq-length 4096 --max-position-embeddings 4096"
                    + " --step-batch-size-schedule 250b:6,0:2 0.5T:8")
            .config()
            .train()
            .batches();
    assertThat(batches.growth())
        .isEqualTo(
            new Steps(List.of(new Step(0, 2), new Step(61035156, 6), new Step(122070312, 8))));
    assertThat(batches.globalBatchSize()).isEqualTo(8);
  }

  @Test
  void a_batch_that_grows_goes_with_iterations_too() {
    RunConfig config =
        lines.config("--global-batch-size 6 --rampup-batch-size 2 2 20 --lr-decay-iters 10");
    assertThat(config.train().length().iterations()).isEqualTo(10);
    assertThat(config.schedule().rate().decaySamples()).isEqualTo(60);
  }

  @Test
  void fp16_scales_its_loss_and_drops_the_check_for_nan() {
    var resolved = lines.resolve(CommandLines.SMALLEST + " --fp16 --loss-scale-window 500");
    assertThat(resolved.config().precision())
        .isEqualTo(new Precision(DType.F16, DType.F32, StateTypes.wide(DType.F32)));
    assertThat(resolved.config().optimizer().lossScaling())
        .isEqualTo(new LossScaling(0x1p32, 1, 500, 2));
    assertThat(resolved.config().train().checkForNan()).isFalse();
    assertThat(resolved.notices())
        .contains(
            "Setting args.check_for_nan_in_loss_and_grad to False since dynamic loss scaling is"
                + " being used",
            "using torch.float16 for parameters ...");
  }

  @Test
  void a_constant_loss_scale_keeps_the_check_for_nan() {
    RunConfig config = lines.config("--fp16 --loss-scale 128");
    assertThat(config.optimizer().lossScaling()).isEqualTo(LossScaling.constant(128));
    assertThat(config.train().checkForNan()).isTrue();
  }

  @Test
  void a_loss_scale_without_fp16_gets_a_line() {
    var resolved = lines.resolve(CommandLines.SMALLEST + " --bf16 --initial-loss-scale 65536");
    assertThat(resolved.config().optimizer().lossScaling()).isNull();
    assertThat(resolved.notices())
        .contains("without effect, since --fp16 is not given: --initial-loss-scale");
  }

  @Test
  void a_save_interval_without_a_folder_gets_a_line() {
    String line = "--save-interval has no effect without --save";
    assertThat(lines.resolve(CommandLines.SMALLEST + " --save-interval 5").notices())
        .contains(line);
    assertThat(lines.resolve(CommandLines.SMALLEST).notices()).doesNotContain(line);
  }

  @Test
  void derived_values_are_noticed_as_in_megatron() {
    List<String> notices =
        lines
            .resolve(CommandLines.SMALLEST.replace("--split 8,1,1", "") + " --use-flash-attn")
            .notices();
    assertThat(notices)
        .contains(
            "setting global batch size to 2",
            "setting split to 969, 30, 1",
            "accepted without effect here (see --help): --use-flash-attn",
            "using torch.float32 for parameters ...");
    assertThat(notices.get(0)).startsWith("using world size: 1, data-parallel size: 1,");
  }

  @Test
  void bf16_keeps_gradients_and_optimizer_in_fp32_unless_told_otherwise() {
    assertThat(lines.config("").precision()).isEqualTo(Precision.FP32);
    assertThat(lines.config("--bf16").precision())
        .isEqualTo(new Precision(DType.BF16, DType.F32, StateTypes.wide(DType.F32)));
    assertThat(lines.config("--bf16").arguments()).containsEntry("params_dtype", "torch.bfloat16");
    assertThat(lines.config("--bf16 --grad-reduce-in-bf16").precision().gradients())
        .isEqualTo(DType.BF16);
    RunConfig small =
        lines.config(
            "--bf16 --main-grads-dtype bf16 --main-params-dtype bf16 --exp-avg-dtype bf16"
                + " --exp-avg-sq-dtype bf16");
    assertThat(small.precision())
        .isEqualTo(
            new Precision(
                DType.BF16, DType.BF16, new StateTypes(DType.BF16, DType.BF16, DType.BF16)));
  }

  @Test
  void a_page_for_other_machines_needs_a_token() {
    String flags = CommandLines.SMALLEST + " --web-port 0 --web-host 0.0.0.0";
    assertThat(lines.problems(flags))
        .singleElement()
        .asString()
        .startsWith("--web-host: 0.0.0.0 (expected: a loopback address, or a token in");
    lines.withEnvironment(Map.of("TANUKI4J_WEB_TOKEN", "short"));
    assertThat(lines.problems(flags))
        .containsExactly(
            "TANUKI4J_WEB_TOKEN: 5 characters (expected: at least 16). For example: openssl rand"
                + " -hex 16.");
    lines.withEnvironment(Map.of("TANUKI4J_WEB_TOKEN", "0123456789abcdef"));
    assertThat(lines.resolve(flags).config().arguments().values().toString())
        .doesNotContain("0123456789abcdef");
    assertThat(lines.problems(CommandLines.SMALLEST + " --web-port 70000"))
        .containsExactly(
            "--web-port: 70000 (expected: 0 to 65535). Choose a free port above 1023.");
  }

  @Test
  void a_profile_needs_iterations_and_ranks_of_this_run() {
    String flags = CommandLines.SMALLEST + " --profile --profile-step-start 5 --profile-step-end 5";
    assertThat(lines.problems(flags + " --profile-ranks 0 1 x"))
        .containsExactly(
            "--profile-ranks: x (expected: an integer). Write it in digits, like 1000.",
            "--profile-step-end: 5 (expected: more than --profile-step-start 5). Raise it.",
            "--profile-ranks: 1 (expected: 0 to 0). Name ranks of this run.");
    assertThat(lines.config("--profile-step-end 0 --profile-ranks 9").profile()).isNull();
    assertThat(lines.config("--profile --tensorboard-dir DIR/tb").profile())
        .isEqualTo(new ProfileConfig(10, 12, List.of(0), folder.resolve("tb/profile")));
  }
}
