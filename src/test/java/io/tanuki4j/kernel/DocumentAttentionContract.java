package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Attention that does not see the documents before: against its formula and in fp64. */
public abstract class DocumentAttentionContract extends KernelContract {
  @Test
  void a_token_sees_its_document_only() {
    AttentionShape shape = new AttentionShape(3, 1, 1, 1, 1);
    Tensor qkv = memory.of(widest(), new double[] {1, 1, 5, 0, 9, 7, 0, 2, 3}, 3, 1, 3);
    Tensor out = memory.undefined(widest(), 3, 1, 1);
    Tensor lse = memory.undefined(sumType(widest()), 1, 1, 3);
    Tensor starts = memory.of(DType.I32, new double[] {0, 1, 1}, 3, 1);
    kernels()
        .attention()
        .causalAttentionForward(out, lse, qkv, shape, AttentionMask.ofDocuments(starts, 2));
    assertClose(out, new double[] {5, 7, 5});
    assertClose(lse, new double[] {1, 0, Math.log(2)});
  }

  @ParameterizedTest
  @MethodSource("types")
  void matches_the_formula_at_odd_sizes(DType dtype) {
    for (int s : ODD_SIZES) {
      check(dtype, new AttentionShape(s, 2, 4, 2, 16), 3);
      check(dtype, new AttentionShape(s, 1, 3, 1, 33), 1 + s / 2);
    }
    check(dtype, new AttentionShape(256, 1, 2, 1, 64), 2);
    check(dtype, new AttentionShape(384, 2, 4, 2, 128), 5);
    check(dtype, new AttentionShape(256, 2, 2, 2, 128), 256);
  }

  @ParameterizedTest
  @MethodSource("types")
  void one_document_is_plain_causal_attention(DType dtype) {
    AttentionShape shape = new AttentionShape(256, 2, 4, 2, 64);
    Tensor starts = memory.filled(DType.I32, 0, 256, 2);
    Found found = run(dtype, shape, AttentionMask.ofDocuments(starts, 1));
    Found plain = run(dtype, shape, AttentionMask.NONE);
    // Two roundings apart: each may be computed by a kernel of its own.
    assertClose(found.out, memory.values(plain.out), 2 * tolerance(dtype));
    assertClose(found.dQkv, memory.values(plain.dQkv), 4 * tolerance(dtype));
  }

  @Test
  void backward_matches_finite_differences() {
    requireF64();
    AttentionShape shape = new AttentionShape(5, 2, 4, 2, 3);
    Tensor starts = memory.of(DType.I32, new double[] {0, 0, 0, 1, 2, 1, 2, 3, 2, 3}, 5, 2);
    AttentionMask mask = AttentionMask.ofDocuments(starts, 3);
    Tensor qkv = memory.random(DType.F64, 1, 5, 2, shape.qkvSize());
    Found found = run(qkv, shape, mask);
    assertGradient(
        found.dQkv,
        qkv,
        moved -> {
          Tensor out = memory.undefined(DType.F64, 5, 2, shape.outSize());
          Tensor lse = memory.undefined(DType.F64, 2, 4, 5);
          kernels().attention().causalAttentionForward(out, lse, moved, shape, mask);
          return dot(out, found.dOut);
        });
  }

  @ParameterizedTest
  @MethodSource("types")
  void queries_of_a_block_see_the_keys_of_their_documents(DType dtype) {
    AttentionShape queries = new AttentionShape(33, 2, 4, 2, 16);
    checkBlock(dtype, new AttentionBlock(queries, 7));
    checkBlock(dtype, new AttentionBlock(queries, 130));
  }

  /** Keys at even positions; later queries belong to documents that begin behind all keys. */
  private void checkBlock(DType dtype, AttentionBlock block) {
    AttentionShape queries = block.queries();
    int q = queries.seqLength();
    int k = block.numKeys();
    Tensor qkv = memory.random(dtype, 1, q, 2, queries.qkvSize());
    Tensor keyValues = memory.random(dtype, 2, k, 2, block.keyValueSize());
    Tensor dOut = memory.random(dtype, 3, q, 2, queries.outSize());
    Tensor out = memory.undefined(dtype, q, 2, queries.outSize());
    Tensor lse = memory.undefined(sumType(dtype), 2, queries.numHeads(), q);
    double[] starts = new double[2 * q];
    Arrays.setAll(starts, i -> (i / 2) * 2 * k / (q - 3) + i % 2);
    double[] positions = new double[k];
    Arrays.setAll(positions, i -> 2 * i);
    AttentionMask mask =
        new AttentionMask(
            memory.of(DType.I32, starts, q, 2),
            q,
            null,
            memory.of(DType.I32, positions, k),
            null,
            0);
    kernels().attention().blockAttentionForward(out, lse, qkv, keyValues, block, mask);
    AttentionFormula formula =
        AttentionFormula.block(
            memory.values(qkv),
            memory.values(keyValues),
            block,
            (query, sample) -> Math.min(k, ((int) starts[2 * query + sample] + 1) / 2));
    assertClose(out, formula.out());
    assertThat(memory.values(lse)[q - 1]).isEqualTo(Double.NEGATIVE_INFINITY);
    // What the backward gets is the logarithm of all keys; here it is larger than the block's.
    double[] all = Arrays.stream(formula.logSumExp()).map(l -> Math.max(l, 0) + 1).toArray();
    Tensor dQueries = memory.undefined(dtype, q, 2, queries.outSize());
    Tensor dKeyValues = memory.undefined(dtype, k, 2, block.keyValueSize());
    Tensor logarithms = memory.of(sumType(dtype), all, 2, queries.numHeads(), q);
    kernels()
        .attention()
        .blockAttentionBackward(
            dQueries, dKeyValues, dOut, out, logarithms, qkv, keyValues, block, mask);
    double[] expectedQueries = new double[q * 2 * queries.outSize()];
    double[] expectedKeys = new double[k * 2 * block.keyValueSize()];
    formula
        .withLogSumExp(all)
        .backward(memory.values(dOut), memory.values(out), expectedQueries, expectedKeys);
    assertClose(dQueries, expectedQueries, 4 * tolerance(dtype));
    assertClose(dKeyValues, expectedKeys, 4 * tolerance(dtype));
  }

  private record Found(Tensor out, Tensor lse, Tensor dOut, Tensor dQkv) {}

  private void check(DType dtype, AttentionShape shape, int numDocuments) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    double[] starts = starts(s, b, numDocuments);
    AttentionMask mask =
        AttentionMask.ofDocuments(memory.of(DType.I32, starts, s, b), Math.min(s, numDocuments));
    Tensor qkv = memory.random(dtype, 1, s, b, shape.qkvSize());
    Found found = run(qkv, shape, mask);
    AttentionFormula formula =
        AttentionFormula.causal(
            memory.values(qkv), shape, (query, sample) -> (int) starts[query * b + sample]);
    // A kernel may round the probabilities, too.
    assertClose(found.out, formula.out(), 2 * tolerance(dtype));
    assertClose(found.lse, formula.logSumExp());
    double[] expected = formula.backward(memory.values(found.dOut), memory.values(found.out));
    assertClose(found.dQkv, expected, 4 * tolerance(dtype));
  }

  /** Draws documents of random lengths, at most {@code numDocuments} in a sequence. */
  private static double[] starts(int s, int b, int numDocuments) {
    Random random = new Random(s);
    double[] starts = new double[s * b];
    for (int sample = 0; sample < b; sample++) {
      boolean[] begins = new boolean[s];
      for (int i = 1; i < numDocuments; i++) {
        begins[random.nextInt(s)] = true;
      }
      int start = 0;
      for (int i = 0; i < s; i++) {
        start = begins[i] ? i : start;
        starts[i * b + sample] = start;
      }
    }
    return starts;
  }

  private Found run(DType dtype, AttentionShape shape, AttentionMask mask) {
    Tensor qkv = memory.random(dtype, 1, shape.seqLength(), shape.batchSize(), shape.qkvSize());
    return run(qkv, shape, mask);
  }

  private Found run(Tensor qkv, AttentionShape shape, AttentionMask mask) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    Tensor dOut = memory.random(qkv.dtype(), 2, s, b, shape.outSize());
    Tensor dQkv = memory.undefined(qkv.dtype(), s, b, shape.qkvSize());
    Tensor out = memory.undefined(qkv.dtype(), s, b, shape.outSize());
    Tensor lse = memory.undefined(sumType(qkv.dtype()), b, shape.numHeads(), s);
    AttentionKernels attention = kernels().attention();
    attention.causalAttentionForward(out, lse, qkv, shape, mask);
    attention.causalAttentionBackward(dQkv, dOut, out, lse, qkv, shape, mask);
    return new Found(out, lse, dOut, dQkv);
  }
}
