package io.tanuki4j.kernel.profile;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import org.junit.jupiter.api.Test;

/** Work and bytes, by hand. */
class KernelCallTest {
  private static Tensor tensor(DType dtype, long... dims) {
    Shape shape = Shape.of(dims);
    long bytes = shape.numElements() * dtype.bytes();
    return new Tensor(shape, dtype, () -> bytes, 0);
  }

  private static Tensor bf16(long... dims) {
    return tensor(DType.BF16, dims);
  }

  private static Tensor f32(long... dims) {
    return tensor(DType.F32, dims);
  }

  @Test
  void a_product_multiplies_and_adds_whatever_is_transposed() {
    KernelCall plain =
        ProfiledMatmul.costOfMatmul(
            bf16(2, 3, 5), bf16(2, 3, 7), Op.NONE, bf16(5, 7), Op.TRANSPOSE, Accumulate.OVERWRITE);
    assertThat(plain.flops()).isEqualTo(2 * 6 * 5 * 7);
    assertThat(plain.bytes()).isEqualTo(2 * (30 + 42 + 35));
    assertThat(plain.shape()).isEqualTo("NT 6×5×7 BF16");

    KernelCall gradient =
        ProfiledMatmul.costOfMatmul(
            f32(5, 7), bf16(6, 5), Op.TRANSPOSE, bf16(6, 7), Op.NONE, Accumulate.ADD);
    assertThat(gradient.flops()).isEqualTo(2 * 6 * 5 * 7);
    assertThat(gradient.bytes()).isEqualTo(2 * 4 * 35 + 2 * (30 + 42));
    assertThat(gradient.shape()).isEqualTo("TN 5×7×6 BF16→F32 +=");
  }

  @Test
  void attention_has_two_products_and_five_in_its_backward_over_half_of_the_pairs() {
    AttentionShape shape = new AttentionShape(8, 3, 4, 2, 16);
    Tensor qkv = bf16(8, 3, shape.qkvSize());
    Tensor out = bf16(8, 3, shape.outSize());
    Tensor logSumExp = f32(3, 4, 8);
    double product = 2.0 * 3 * 4 * (8 * 8 / 2.0) * 16;
    KernelCall forward = ProfiledAttention.costOfCausalAttentionForward(out, logSumExp, qkv, shape);
    assertThat(forward.flops()).isEqualTo(2 * product);
    assertThat(forward.bytes()).isEqualTo(24 * (2 * 128 + 2 * 64 + 4 * 4));
    KernelCall backward =
        ProfiledAttention.costOfCausalAttentionBackward(qkv, out, out, logSumExp, shape);
    assertThat(backward.flops()).isEqualTo(5 * product);
    assertThat(backward.bytes()).isEqualTo(24 * (2 * 2 * 128 + 2 * 2 * 64 + 4 * 4));
  }

  @Test
  void a_block_of_attention_works_on_all_of_its_pairs() {
    AttentionBlock block = new AttentionBlock(new AttentionShape(8, 3, 4, 2, 16), 5);
    Tensor out = bf16(8, 3, 64);
    Tensor logSumExp = f32(3, 4, 8);
    Tensor keyValues = bf16(5, 3, 64);
    double product = 2.0 * 3 * 4 * 8 * 5 * 16;
    KernelCall forward =
        ProfiledAttention.costOfBlockAttentionForward(out, logSumExp, keyValues, block);
    assertThat(forward.flops()).isEqualTo(2 * product);
    assertThat(forward.bytes()).isEqualTo(24 * (2 * 2 * 64 + 4 * 4) + 15 * 2 * 64);
    assertThat(forward.shape()).isEqualTo("q 8, k 5, b 3, n 4, g 2, d 16");
    KernelCall backward =
        ProfiledAttention.costOfBlockAttentionBackward(out, keyValues, out, out, logSumExp, block);
    assertThat(backward.flops()).isEqualTo(5 * product);
    assertThat(backward.bytes()).isEqualTo(24 * (4 * 2 * 64 + 4 * 4) + 15 * 2 * 2 * 64);
  }

  @Test
  void a_merge_passes_only_the_queries_of_the_part() {
    KernelCall call =
        ProfiledAttention.costOfMergeAttention(f32(8, 3, 64), bf16(5, 3, 64), f32(3, 4, 5));
    assertThat(call.bytes()).isEqualTo(15 * 64 * (2 * 4 + 2) + 3 * 4 * 60);
  }

  @Test
  void copied_columns_pass_once_and_added_ones_are_read_too() {
    Tensor in = bf16(6, 10);
    Tensor out = f32(6, 20);
    KernelCall copy = ProfiledElementwise.costOfCopyColumns(out, in, 7, Accumulate.OVERWRITE);
    KernelCall add = ProfiledElementwise.costOfCopyColumns(out, in, 7, Accumulate.ADD);
    assertThat(copy.bytes()).isEqualTo(42 * (2 + 4));
    assertThat(add.bytes()).isEqualTo(42 * (2 + 2 * 4));
    assertThat(add.shape()).isEqualTo("7 columns of BF16 [6, 10], F32 +=");
  }

  @Test
  void rope_moves_only_what_it_rotates() {
    AttentionShape shape = new AttentionShape(8, 3, 4, 2, 16);
    Tensor table = f32(8, 4);
    KernelCall call =
        ProfiledRope.costOfRope("ropeForward", bf16(8, 3, shape.qkvSize()), table, table, shape);
    assertThat(call.bytes()).isEqualTo(2 * 2 * 24 * (4 + 2) * 8 + 2 * 4 * 8 * 4);
    assertThat(call.flops()).isZero();
  }

  @Test
  void an_update_writes_the_weights_only_beside_a_master() {
    Tensor master = f32(10);
    KernelCall beside = ProfiledOptimizer.costOfAdamW(bf16(10), master, f32(10), f32(10), f32(10));
    assertThat(beside.bytes()).isEqualTo(10 * (2 + 2 * 12 + 4));
    KernelCall alone =
        ProfiledOptimizer.costOfAdamW(bf16(10), bf16(10), bf16(10), bf16(10), bf16(10));
    assertThat(alone.bytes()).isEqualTo(10 * (2 * 6 + 2));
  }

  @Test
  void a_sum_that_is_added_to_is_read_too() {
    Tensor x = bf16(6, 8);
    Tensor rstd = f32(6);
    Tensor weight = bf16(8);
    Tensor dWeight = f32(8);
    KernelCall overwrite =
        ProfiledNorm.costOfRmsNormBackward(x, dWeight, x, x, rstd, weight, /* residual= */ null);
    KernelCall add = ProfiledNorm.costOfRmsNormBackward(x, dWeight, x, x, rstd, weight, x);
    assertThat(overwrite.bytes()).isEqualTo(3 * 2 * 48 + 4 * 6 + 2 * 8 + 2 * 4 * 8);
    assertThat(add.bytes() - overwrite.bytes()).isEqualTo(2 * 48);
  }

  @Test
  void an_embedding_passes_at_most_the_whole_table() {
    Tensor tokens = tensor(DType.I32, 100);
    assertThat(
            ProfiledEmbedding.costOfEmbeddingForward(bf16(100, 8), tokens, bf16(1000, 8)).bytes())
        .isEqualTo(2 * 2 * 800 + 400);
    assertThat(ProfiledEmbedding.costOfEmbeddingForward(bf16(100, 8), tokens, bf16(5, 8)).bytes())
        .isEqualTo(2 * 800 + 2 * 40 + 400);
    assertThat(ProfiledEmbedding.costOfEmbeddingBackward(f32(5, 8), bf16(100, 8), tokens).bytes())
        .isEqualTo(2 * 800 + 2 * 4 * 40 + 400);
  }

  @Test
  void the_gradient_of_a_part_of_the_vocabulary_replaces_its_logits() {
    Tensor ids = tensor(DType.I32, 6);
    Tensor all = f32(4, 2, 6);
    assertThat(
            ProfiledVocabParallelLoss.costOfVocabParallelStatistics(f32(2, 6), bf16(6, 8), ids)
                .bytes())
        .isEqualTo(4 * 12 + 2 * 48 + 4 * 6);
    assertThat(ProfiledVocabParallelLoss.costOfVocabParallelLoss(all, f32(6)).bytes())
        .isEqualTo(4 * 48 + 4 * 6);
    assertThat(
            ProfiledVocabParallelLoss.costOfVocabParallelLossBackward(bf16(6, 8), all, ids, f32(6))
                .bytes())
        .isEqualTo(2 * 2 * 48 + 4 * 48 + 2 * 4 * 6);
  }
}
