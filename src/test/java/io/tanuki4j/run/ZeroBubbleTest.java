package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.run.TinyLayout.Data;
import io.tanuki4j.run.TinyLlama.Output;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Runs with --pipeline-schedule zero-bubble against 1F1B: the same lines, digit by digit. */
class ZeroBubbleTest {
  private static final String ZERO_BUBBLE = "--pipeline-schedule zero-bubble";
  private static final String SHAPE =
      "--num-layers 4 --hidden-size 32 --ffn-hidden-size 64 --num-attention-heads 2"
          + " --global-batch-size 8 --train-iters 4 --eval-interval 2 --log-params-norm"
          + " --backend cpu";

  private static final TinyLayout TWO_STAGES = TinyLayout.of(1, 1, 1, 2);

  @TempDir static Path folder;

  private static Output run(TinyLayout layout, String... flags) {
    return TinyLlama.run(
        TinyLlama.words(
            (SHAPE + " " + String.join(" ", flags)).replaceAll(" +", " ").strip(),
            folder.resolve("cache"),
            layout.localFlags()));
  }

  private static void check(TinyLayout layout, String flags) {
    Output expected = run(layout, flags, "--pipeline-schedule 1f1b");
    Output found = run(layout, flags, ZERO_BUBBLE);
    assertThat(expected.iterations()).hasSize(4);
    assertThat(found.iterations()).as(layout + " " + flags).isEqualTo(expected.iterations());
    assertThat(found.evaluations()).isEqualTo(expected.evaluations());
  }

  @Test
  void ranks_on_every_axis_train_as_with_1f1b() {
    check(TinyLayout.of(1, 1, 1, 4), "--bf16");
    check(new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN), "--bf16 --tp-comm-overlap");
    check(new TinyLayout(1, 1, 2, 2, 1, false, Data.OVERLAPPED), "");
    check(new TinyLayout(1, 2, 1, 2, 1, false, Data.SHARDED), "");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "!--untie-embeddings-and-output-weights --global-batch-size 3",
        "--recompute-granularity selective --accumulate-allreduce-grads-in-fp32 --bf16",
        "--recompute-granularity full --recompute-method block --recompute-num-layers 1",
        "--hidden-dropout 0.1 --attention-dropout 0.1",
        "--bf16 --fp8-format hybrid --fp8-amax-history-len 4 --fp8-amax-compute-algo max",
        "--bf16 --fp8-format hybrid --fp8-recipe tensorwise",
        "--bf16 --fp8-format hybrid --no-fp8-wgrad",
      })
  void so_does_every_kind_of_layer(String flags) {
    check(TWO_STAGES, flags);
  }

  @Test
  @Tag("slow")
  void so_do_layers_in_eight_bits_on_parts_of_a_sequence() {
    TinyLayout layout = new TinyLayout(2, 1, 1, 2, 1, true, Data.PLAIN);
    String fp8 = "--bf16 --num-layers 2 --fp8-format hybrid ";
    for (String more : List.of("", "--fp8-recipe tensorwise", "--no-fp8-wgrad")) {
      check(layout, fp8 + more);
    }
  }

  @Test
  void a_run_goes_on_with_the_other_schedule_bit_by_bit() {
    Output whole = run(TWO_STAGES, ZERO_BUBBLE);
    String saved = "--save " + folder.resolve("checkpoints");
    run(TWO_STAGES, ZERO_BUBBLE, saved, "--exit-interval 2");
    Output rest = run(TWO_STAGES, saved.replace("--save", "--load"));
    assertThat(rest.iterations()).hasSize(2).isEqualTo(whole.iterations().subList(2, 4));
  }
}
