package io.tanuki4j.parallel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.parallel.LayoutRequest.ModelSizes;
import io.tanuki4j.parallel.LayoutRequest.Sizes;
import io.tanuki4j.parallel.LayoutRequest.Stages;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LayoutRulesTest {
  private static final Sizes LLAMA_8B =
      new Sizes(new ModelSizes(32, 32, 8, 14336, 128256, 8192), 1, 1536);

  private final List<String> refusals = new ArrayList<>();

  private Optional<Layout> resolve(LayoutRequest request, Sizes sizes) {
    return LayoutRules.resolve(
        request,
        sizes,
        (flag, value, expected, remedy) ->
            refusals.add("%s: %s (expected: %s). %s".formatted(flag, value, expected, remedy)));
  }

  private static LayoutRequest request(int world, int tp, int cp, int pp) {
    return new LayoutRequest(world, tp, cp, pp, false, Stages.EVEN);
  }

  private static LayoutRequest request(int world, int pp, Stages stages) {
    return new LayoutRequest(world, 1, 1, pp, false, stages);
  }

  private static Sizes batch(int micro, int global) {
    return new Sizes(new ModelSizes(32, 32, 8, 14336, 128256, 8192), micro, global);
  }

  @Test
  void the_data_parallel_degree_is_what_is_left_of_the_world() {
    Layout layout = resolve(request(32, 2, 2, 4), LLAMA_8B).orElseThrow();
    assertThat(layout.dims()).isEqualTo(ParallelDims.of(2, 2, 2, 4));
    assertThat(layout.layers()).isEqualTo(StageLayers.even(32, 4, 1));
    assertThat(refusals).isEmpty();
  }

  @Test
  void refuses_a_world_that_is_no_multiple_of_the_model() {
    assertThat(resolve(request(6, 2, 1, 2), LLAMA_8B)).isEmpty();
    assertThat(refusals)
        .containsExactly(
            "world size: 6 (expected: a multiple of --tensor-model-parallel-size 2 x"
                + " --context-parallel-size 1 x --pipeline-model-parallel-size 2 = 4)."
                + " Start 4 or 8 ranks by tanuki4j launch, or as threads by --distributed-backend"
                + " local, or change the sizes.");
  }

  @Test
  void refuses_a_tensor_parallel_degree_that_does_not_divide_heads_and_groups() {
    resolve(request(16, 16, 1, 1), LLAMA_8B);
    assertThat(refusals)
        .containsExactly(
            "--tensor-model-parallel-size: 16 (expected: a divisor of --num-query-groups 8)."
                + " Use 1, 2, 4 or 8.");
  }

  @Test
  void refuses_fewer_ids_than_tensor_parallel_ranks() {
    resolve(request(4, 4, 1, 1), new Sizes(new ModelSizes(32, 32, 8, 14336, 3, 8192), 1, 4));
    assertThat(refusals)
        .containsExactly(
            "--tensor-model-parallel-size: 4 (expected: at most the 3 ids of the vocabulary)."
                + " Use 1 or 2.");
  }

  @Test
  void tp_need_not_divide_the_vocabulary_of_a_checkpoint() {
    resolve(request(4, 4, 1, 1), new Sizes(new ModelSizes(32, 32, 8, 14336, 128258, 8192), 1, 4));
    assertThat(refusals).isEmpty();
  }

  @Test
  void refuses_stages_that_do_not_divide_the_layers() {
    resolve(request(5, 1, 1, 5), batch(1, 5));
    assertThat(refusals)
        .containsExactly(
            "--pipeline-model-parallel-size: 5 (expected: a divisor of --num-layers 32)."
                + " Use 1, 2, 4, 8, 16 or 32. Or give --decoder-first-pipeline-num-layers or"
                + " --decoder-last-pipeline-num-layers.");
  }

  @Test
  void refuses_a_sequence_that_zigzag_halves_do_not_divide() {
    resolve(request(6, 1, 3, 1), LLAMA_8B);
    assertThat(refusals)
        .containsExactly(
            "--context-parallel-size: 3 (expected: 1, or half of a divisor of --seq-length 8192)."
                + " Use 1, 2 or 4.");
  }

  @Test
  void refuses_a_sequence_that_sequence_parallel_ranks_do_not_divide() {
    Sizes sizes = new Sizes(new ModelSizes(32, 32, 8, 14336, 0, 4100), 1, 8);
    resolve(new LayoutRequest(16, 8, 2, 1, true, Stages.EVEN), sizes);
    assertThat(refusals)
        .containsExactly(
            "--seq-length: 4100 (expected: with --sequence-parallel, a multiple of"
                + " --tensor-model-parallel-size 8 x --context-parallel-size 2). Use 4096 or 4112.");
  }

  @Test
  void refuses_a_global_batch_that_replicas_do_not_divide() {
    resolve(request(16, 2, 1, 2), batch(2, 10));
    assertThat(refusals)
        .containsExactly(
            "--global-batch-size: 10 (expected: a multiple of --micro-batch-size 2 x data-parallel"
                + " size 4). Use 8 or 16.");
  }

  @Test
  void refuses_micro_batches_that_interleaved_stages_do_not_divide() {
    Stages stages = new Stages(4, null, null, null, false, false);
    resolve(request(4, 4, stages), batch(1, 6));
    assertThat(refusals)
        .containsExactly(
            "--global-batch-size: 6 (expected: a multiple of --micro-batch-size 1 x data-parallel"
                + " size 1 x --pipeline-model-parallel-size 4, when stages are interleaved)."
                + " Use 4 or 8.");
  }

  @Test
  void layers_per_virtual_stage_give_the_number_of_chunks() {
    Stages stages = new Stages(4, null, null, null, false, false);
    Layout layout = resolve(request(4, 4, stages), LLAMA_8B).orElseThrow();
    assertThat(layout.dims().vpp()).isEqualTo(2);
    assertThat(layout.layers()).isEqualTo(StageLayers.even(32, 4, 2));
  }

  @Test
  void refuses_chunks_that_do_not_divide_a_stage() {
    resolve(request(4, 4, new Stages(3, null, null, null, false, false)), LLAMA_8B);
    resolve(request(2, 1, new Stages(null, 2, null, null, false, false)), LLAMA_8B);
    assertThat(refusals)
        .containsExactly(
            "--num-layers-per-virtual-pipeline-stage: 3 (expected: a divisor of the 8 layers of"
                + " each stage). Use 1, 2, 4 or 8.",
            "--num-virtual-stages-per-pipeline-rank: 2 (expected: --pipeline-model-parallel-size"
                + " above 1). Leave it out.");
  }

  @Test
  void ends_may_have_their_own_number_of_layers() {
    Stages stages = new Stages(null, null, 7, 5, false, false);
    assertThat(resolve(request(4, 4, stages), LLAMA_8B).orElseThrow().layers().counts())
        .containsExactly(7, 10, 10, 5);
    Stages first = new Stages(null, 2, 2, null, false, false);
    assertThat(resolve(request(4, 4, first), LLAMA_8B).orElseThrow().layers().counts())
        .containsExactly(1, 5, 5, 5, 1, 5, 5, 5);
  }

  @Test
  void refuses_ends_that_leave_no_equal_middle() {
    resolve(request(4, 4, new Stages(null, null, 7, null, false, false)), LLAMA_8B);
    resolve(request(2, 2, new Stages(null, null, 7, 5, false, false)), LLAMA_8B);
    assertThat(refusals)
        .containsExactly(
            "--decoder-first-pipeline-num-layers: 7 (expected: leaves a multiple of the stages"
                + " between, of --num-layers 32 on --pipeline-model-parallel-size 4). 25 layers are"
                + " left for 3 stages.",
            "--decoder-first-pipeline-num-layers: 7 (expected: together with the other end, all of"
                + " --num-layers 32 on --pipeline-model-parallel-size 2). 20 layers are left for 0"
                + " stages.");
  }

  @Test
  void embedding_and_loss_may_count_as_layers() {
    Stages stages = new Stages(null, null, null, null, true, true);
    Sizes sizes = new Sizes(new ModelSizes(30, 32, 8, 14336, 0, 8192), 1, 8);
    assertThat(resolve(request(4, 4, stages), sizes).orElseThrow().layers().counts())
        .containsExactly(7, 8, 8, 7);
  }

  @Test
  void refuses_chunks_without_a_layer() {
    // 32 layers and the loss on 33 stages; 32 layers on two ends that leave none for the middle.
    resolve(request(33, 33, new Stages(null, null, null, null, false, true)), batch(1, 33));
    resolve(request(4, 4, new Stages(null, null, 16, 16, false, false)), batch(1, 4));
    assertThat(refusals)
        .containsExactly(
            "--account-for-loss-in-pipeline-split: given (expected: 2 or more layers in each chunk,"
                + " so that another one is left). Leave it out, or use fewer stages or chunks.",
            "--decoder-first-pipeline-num-layers: 16 (expected: leaves a multiple of the stages"
                + " between, of --num-layers 32 on --pipeline-model-parallel-size 4). 0 layers are"
                + " left for 2 stages.");
  }

  @Test
  void reports_everything_at_once() {
    resolve(request(15, 3, 1, 5), batch(2, 3));
    assertThat(refusals).hasSizeGreaterThanOrEqualTo(4);
  }
}
