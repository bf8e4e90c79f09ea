package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention of blocks, and the whole that is put together of them. */
public abstract class BlockAttentionContract extends KernelContract {
  @Test
  void every_query_sees_every_key() {
    AttentionBlock block = new AttentionBlock(new AttentionShape(2, 1, 1, 1, 1), 2);
    double nothing = Double.NaN;
    double[] queries = {1, nothing, nothing, 0, nothing, nothing};
    Tensor qkv = memory.of(widest(), queries, 2, 1, 3);
    Tensor keyValues = memory.of(widest(), new double[] {0, 4, Math.log(3), 8}, 2, 1, 2);
    Tensor out = memory.undefined(widest(), 2, 1, 1);
    Tensor lse = memory.undefined(sumType(widest()), 1, 1, 2);
    kernels().attention().blockAttentionForward(out, lse, qkv, keyValues, block);
    assertClose(out, new double[] {7, 6});
    assertClose(lse, new double[] {Math.log(4), Math.log(2)});
  }

  @ParameterizedTest
  @MethodSource("types")
  void matches_the_formula_at_odd_sizes(DType dtype) {
    for (int q : ODD_SIZES) {
      for (int k : ODD_SIZES) {
        checkForward(dtype, new AttentionBlock(new AttentionShape(q, 2, 4, 2, 16), k));
      }
      checkForward(dtype, new AttentionBlock(new AttentionShape(q, 1, 3, 1, 33), q + 1));
    }
  }

  @Test
  void backward_matches_finite_differences() {
    requireF64();
    AttentionBlock block = new AttentionBlock(new AttentionShape(3, 2, 4, 2, 3), 5);
    AttentionShape queries = block.queries();
    Tensor qkv = memory.random(DType.F64, 1, 3, 2, queries.qkvSize());
    Tensor keyValues = memory.random(DType.F64, 2, 5, 2, block.keyValueSize());
    Tensor dOut = memory.random(DType.F64, 3, 3, 2, queries.outSize());
    Tensor out = memory.undefined(DType.F64, 3, 2, queries.outSize());
    Tensor lse = memory.undefined(DType.F64, 2, 4, 3);
    Tensor dQueries = memory.undefined(DType.F64, 3, 2, queries.outSize());
    Tensor dKeyValues = memory.undefined(DType.F64, 5, 2, block.keyValueSize());
    kernels().attention().blockAttentionForward(out, lse, qkv, keyValues, block);
    kernels()
        .attention()
        .blockAttentionBackward(dQueries, dKeyValues, dOut, out, lse, qkv, keyValues, block);

    Tensor dQkv = memory.filled(DType.F64, 0, 3, 2, queries.qkvSize());
    kernels()
        .elementwise()
        .copyColumns(dQkv, 0, dQueries, 0, queries.outSize(), Accumulate.OVERWRITE);
    assertGradient(dQkv, qkv, moved -> loss(moved, keyValues, dOut, block));
    assertGradient(dKeyValues, keyValues, moved -> loss(qkv, moved, dOut, block));
  }

  private double loss(Tensor qkv, Tensor keyValues, Tensor dOut, AttentionBlock block) {
    Tensor out = memory.undefined(DType.F64, dOut.shape().toArray());
    Tensor lse = memory.undefined(DType.F64, 2, 4, 3);
    kernels().attention().blockAttentionForward(out, lse, qkv, keyValues, block);
    return dot(out, dOut);
  }

  @ParameterizedTest
  @MethodSource("types")
  void two_blocks_of_keys_make_one(DType dtype) {
    for (int q : ODD_SIZES) {
      checkTwoBlocks(dtype, new AttentionShape(q, 2, 4, 2, 16), 7, 33);
      checkTwoBlocks(dtype, new AttentionShape(q, 1, 3, 1, 33), 130, 1);
    }
  }

  /** Forward, merge and backward of a first and a second part of the keys. */
  private void checkTwoBlocks(DType dtype, AttentionShape queries, int first, int second) {
    int q = queries.seqLength();
    int b = queries.batchSize();
    int width = queries.keyValueSize();
    AttentionBlock whole = new AttentionBlock(queries, first + second);
    Tensor qkv = memory.random(dtype, 1, q, b, queries.qkvSize());
    Tensor keyValues = memory.random(dtype, 2, first + second, b, width);
    Tensor dOut = memory.random(dtype, 3, q, b, queries.outSize());
    AttentionFormula formula =
        AttentionFormula.block(memory.values(qkv), memory.values(keyValues), whole);

    Tensor part = memory.undefined(dtype, q, b, queries.outSize());
    Tensor out = memory.undefined(sumType(dtype), q, b, queries.outSize());
    Tensor lse = memory.undefined(sumType(dtype), b, queries.numHeads(), q);
    Tensor partLse = memory.undefined(sumType(dtype), b, queries.numHeads(), q);
    Tensor left = keyValues.rows(0, first);
    Tensor right = keyValues.rows(first, first + second);
    AttentionBlock leftBlock = new AttentionBlock(queries, first);
    AttentionBlock rightBlock = new AttentionBlock(queries, second);
    kernels().attention().blockAttentionForward(part, lse, qkv, left, leftBlock);
    kernels().elementwise().copy(out, part);
    kernels().attention().blockAttentionForward(part, partLse, qkv, right, rightBlock);
    kernels().attention().mergeAttention(out, lse, part, partLse, queries);
    assertClose(out, formula.out(), tolerance(dtype));
    assertClose(lse, formula.logSumExp());

    kernels().elementwise().copy(part, out);
    Tensor dKeyValues = memory.undefined(dtype, first + second, b, width);
    Tensor dLeft = dKeyValues.rows(0, first);
    Tensor dRight = dKeyValues.rows(first, first + second);
    Tensor dQueries = memory.undefined(dtype, q, b, queries.outSize());
    Tensor dMore = memory.undefined(dtype, q, b, queries.outSize());
    kernels()
        .attention()
        .blockAttentionBackward(dQueries, dLeft, dOut, part, lse, qkv, left, leftBlock);
    kernels()
        .attention()
        .blockAttentionBackward(dMore, dRight, dOut, part, lse, qkv, right, rightBlock);
    kernels().elementwise().add(dQueries, dQueries, dMore);
    double[] expectedQueries = new double[q * b * queries.outSize()];
    double[] expectedKeyValues = new double[(first + second) * b * width];
    formula.backward(memory.values(dOut), memory.values(part), expectedQueries, expectedKeyValues);
    assertClose(dQueries, expectedQueries, 4 * tolerance(dtype));
    assertClose(dKeyValues, expectedKeyValues, 4 * tolerance(dtype));
  }

  @Test
  void equal_weights_make_the_mean() {
    AttentionShape shape = new AttentionShape(2, 1, 1, 1, 2);
    Tensor out = memory.of(sumType(widest()), new double[] {1, 2, 3, 4}, 2, 1, 2);
    Tensor lse = memory.of(sumType(widest()), new double[] {0, 5}, 1, 1, 2);
    Tensor part = memory.of(widest(), new double[] {3, 4, 5, 6}, 2, 1, 2);
    Tensor partLse = memory.of(sumType(widest()), new double[] {0, 5}, 1, 1, 2);
    kernels().attention().mergeAttention(out, lse, part, partLse, shape);
    assertClose(out, new double[] {2, 3, 4, 5});
    assertClose(lse, new double[] {Math.log(2), 5 + Math.log(2)});
  }

  /** Logarithms so far apart that their exponentials overflow or vanish. */
  @Test
  void the_larger_weight_wins_without_overflow() {
    AttentionShape shape = new AttentionShape(2, 1, 1, 1, 1);
    Tensor out = memory.of(sumType(widest()), new double[] {1, 2}, 2, 1, 1);
    Tensor lse = memory.of(sumType(widest()), new double[] {1000, -1000}, 1, 1, 2);
    Tensor part = memory.of(widest(), new double[] {3, 4}, 2, 1, 1);
    Tensor partLse = memory.of(sumType(widest()), new double[] {-1000, 1000}, 1, 1, 2);
    kernels().attention().mergeAttention(out, lse, part, partLse, shape);
    assertThat(memory.values(out)).containsExactly(1, 4);
    assertThat(memory.values(lse)).containsExactly(1000, 1000);
  }

  @ParameterizedTest
  @MethodSource("types")
  void a_part_of_the_last_queries_leaves_the_others_alone(DType dtype) {
    for (int part : ODD_SIZES) {
      checkLastQueries(dtype, new AttentionShape(part + 5, 2, 3, 1, 7), part);
    }
  }

  private void checkLastQueries(DType dtype, AttentionShape shape, int part) {
    int s = shape.seqLength();
    Tensor out = memory.random(sumType(dtype), 1, s, 2, shape.outSize());
    Tensor lse = memory.random(sumType(dtype), 2, 2, 3, s);
    Tensor partOut = memory.random(dtype, 3, part, 2, shape.outSize());
    Tensor partLse = memory.random(sumType(dtype), 4, 2, 3, part);
    double[] expectedOut = memory.values(out);
    double[] expectedLse = memory.values(lse);
    double[] added = memory.values(partOut);
    double[] addedLse = memory.values(partLse);
    for (int row = 0; row < 2 * 3; row++) {
      for (int i = 0; i < part; i++) {
        int at = row * s + s - part + i;
        double weight = Math.exp(expectedLse[at]);
        double addedWeight = Math.exp(addedLse[row * part + i]);
        expectedLse[at] = Math.log(weight + addedWeight);
        int from = ((i * 2 + row / 3) * 3 + row % 3) * 7;
        int to = from + (s - part) * 2 * shape.outSize();
        for (int l = 0; l < 7; l++) {
          expectedOut[to + l] =
              (expectedOut[to + l] * weight + added[from + l] * addedWeight)
                  / (weight + addedWeight);
        }
      }
    }
    double[] untouched = memory.values(out.rows(0, s - part));
    kernels().attention().mergeAttention(out, lse, partOut, partLse, shape);
    assertClose(out, expectedOut);
    assertClose(lse, expectedLse);
    assertThat(memory.values(out.rows(0, s - part))).isEqualTo(untouched);
    assertThat(Arrays.copyOf(memory.values(lse), 5)).isEqualTo(Arrays.copyOf(expectedLse, 5));
  }

  private void checkForward(DType dtype, AttentionBlock block) {
    AttentionShape queries = block.queries();
    int q = queries.seqLength();
    int b = queries.batchSize();
    Tensor qkv = memory.random(dtype, 1, q, b, queries.qkvSize());
    Tensor keyValues = memory.random(dtype, 2, block.numKeys(), b, block.keyValueSize());
    Tensor out = memory.undefined(dtype, q, b, queries.outSize());
    Tensor lse = memory.undefined(sumType(dtype), b, queries.numHeads(), q);
    kernels().attention().blockAttentionForward(out, lse, qkv, keyValues, block);
    AttentionFormula expected =
        AttentionFormula.block(memory.values(qkv), memory.values(keyValues), block);
    assertClose(out, expected.out());
    assertClose(lse, expected.logSumExp());
  }
}
