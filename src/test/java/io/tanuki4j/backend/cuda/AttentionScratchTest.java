package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class AttentionScratchTest {
  private static final AttentionShape SHAPE = new AttentionShape(256, 3, 4, 2, 64);
  private static final int QKV = (4 + 2 * 2) * 64;
  private static final long PLACE = 1L << 40;
  private static final AttentionOperands IN = new AttentionOperands(1000, 2000, 3000);
  private static final AttentionOperands GRADIENTS = new AttentionOperands(4000, 5000, 6000);

  @Test
  void plain_attention_is_one_call_with_row_sums_and_a_sum() {
    AttentionScratch scratch = scratch(1, true);
    assertThat(scratch.numCalls()).isEqualTo(1);
    long rowSums = 256 * 3 * 4 * 4;
    assertThat(scratch.bytes()).isEqualTo(rowSums + rowSums * 64);
    assertThat(scratch.backward(call(scratch.form()), GRADIENTS, 8000, 0))
        .containsExactly(
            1000, 2000, 3000, 7000, 8000, 9000, 4000, 5000, 6000, PLACE, PLACE + rowSums);
    assertThat(scratch(1, false).bytes()).isZero();
  }

  /** A sample's tokens begin one width later, its rows after all heads of the samples before. */
  @Test
  void documents_are_a_call_for_each_sample() {
    AttentionScratch scratch = scratch(8, false);
    assertThat(scratch.numCalls()).isEqualTo(3);
    long[] last = scratch.forward(call(scratch.form()), 2);
    assertThat(Arrays.copyOf(last, 5))
        .containsExactly(
            1000 + 2 * 2 * QKV,
            2000 + 2 * 2 * QKV,
            3000 + 2 * 2 * QKV,
            7000 + 2 * 2 * 256,
            9000 + 2 * 4 * 4 * 256);
    long[] first = scratch.forward(call(scratch.form()), 0);
    assertThat(last[5] - first[5]).as("lengths").isEqualTo(2 * 9 * 4);
    assertThat(last[6] - first[6]).as("offsets").isEqualTo(2 * 9 * 8);
    assertThat(Arrays.stream(last, 5, 9).min().getAsLong()).isEqualTo(first[5] + 2 * 9 * 4);
    assertThat(Arrays.stream(last, 5, 9).max().getAsLong()).isLessThan(PLACE + scratch.bytes());
  }

  @Test
  void everything_in_the_scratch_has_room() {
    AttentionScratch scratch = scratch(8, true);
    long[] addresses = scratch.backward(call(scratch.form()), GRADIENTS, 8000, 0);
    long[] own = Arrays.stream(addresses).filter(address -> address >= PLACE).sorted().toArray();
    long tokens = 256L * 3;
    long headBytes = tokens * QKV * 2 * 2;
    long sumBytes = tokens * QKV * 4;
    // lengths, three offsets, row sums, two of all heads, the sum of dQ
    assertThat(own).hasSize(8).doesNotHaveDuplicates();
    assertThat(own[6] - own[5]).isEqualTo(headBytes);
    assertThat(own[7] - own[6]).isEqualTo(headBytes);
    assertThat(PLACE + scratch.bytes() - own[7]).isEqualTo(sumBytes);
    assertThat(addresses).hasSize(9 + 8);
  }

  private static AttentionScratch scratch(int maxDocuments, boolean backward) {
    AttentionForm form = new AttentionForm(SHAPE, 256, true, maxDocuments);
    return new AttentionScratch(form, backward, false, 0).at(PLACE);
  }

  private static AttentionCall call(AttentionForm form) {
    MaskOperands mask = new MaskOperands(1, 0, 0, 1, 0, 0, 1, 0);
    return new AttentionCall(form, DType.BF16, IN, 7000, 9000, mask);
  }
}
