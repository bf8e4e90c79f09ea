package io.tanuki4j.benchmark;

import static io.tanuki4j.kernel.VocabParallelLossKernels.NUM_STATISTICS;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.parallel.tensor.VocabParallelHead;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/** What the two ends of a model do: embedding and loss. */
final class VocabularyOperations {
  private static final double Z_LOSS = 1e-4;

  private final BenchmarkShape shape;
  private final DType dtype;
  private final List<Operation> operations = new ArrayList<>();

  /**
   * @param dtype of weights and activations
   */
  VocabularyOperations(BenchmarkShape shape, DType dtype) {
    this.shape = shape;
    this.dtype = dtype;
  }

  /** Tokens whose logits exist at once. */
  static int chunkTokens(BenchmarkShape shape) {
    return Math.min(shape.tokens(), VocabParallelHead.CHUNK_TOKENS);
  }

  List<Operation> all() {
    int[] ids = new Random(1).ints(shape.tokens(), 0, shape.vocab()).toArray();
    int h = shape.hidden();
    operations.add(
        Operation.bytes(
            "embeddingForward",
            2.0 * dtype.bytes() * ids.length * h,
            in -> {
              Tensor out = in.normal(dtype, ids.length, h);
              Tensor tokens = in.ids(ids);
              Tensor table = in.normal(dtype, shape.vocab(), h);
              return () -> in.kernels().embedding().embeddingForward(out, tokens, table, 0);
            }));
    for (DType gradType : Operation.stateTypes(dtype)) {
      addEmbeddingBackward("", ids, gradType);
    }
    addEmbeddingBackward(", all tokens equal", new int[ids.length], DType.F32);
    addLoss();
    addVocabParallelLoss();
    return operations;
  }

  private void addEmbeddingBackward(String tokensText, int[] ids, DType gradType) {
    int h = shape.hidden();
    double rows = Arrays.stream(ids).distinct().count();
    double read = (double) dtype.bytes() * ids.length * h;
    operations.add(
        Operation.bytes(
            "embeddingBackward into " + gradType + tokensText,
            read + 2 * rows * h * gradType.bytes(),
            in -> {
              Tensor dOut = in.normal(dtype, ids.length, h);
              Tensor tokens = in.ids(ids);
              Tensor table = in.normal(gradType, shape.vocab(), h);
              return () -> in.kernels().embedding().embeddingBackward(table, dOut, tokens, 0);
            }));
  }

  private void addLoss() {
    int t = chunkTokens(shape);
    int[] ids = new Random(2).ints(t, 0, shape.vocab()).toArray();
    double bytes = (double) dtype.bytes() * t * shape.vocab();
    operations.add(
        Operation.bytes(
            "crossEntropyForwardBackward, t " + t,
            2 * bytes,
            in -> {
              Tensor logits = in.normal(dtype, t, shape.vocab());
              Tensor targets = in.ids(ids);
              Tensor mask = in.filled(DType.F32, 1, t);
              Tensor scale = in.filled(DType.F64, 1, 1);
              Tensor sums = in.filled(DType.F64, 0, LossKernels.NUM_SUMS);
              return () ->
                  in.kernels()
                      .loss()
                      .crossEntropyForwardBackward(sums, logits, targets, mask, scale, Z_LOSS);
            }));
  }

  /** A rank's part of a vocabulary that two share. */
  private void addVocabParallelLoss() {
    int t = chunkTokens(shape);
    int v = shape.vocab() / 2;
    int[] ids = new Random(2).ints(t, 0, shape.vocab()).toArray();
    double bytes = (double) dtype.bytes() * t * v;
    operations.add(
        Operation.bytes(
            "vocabParallelStatistics, t " + t,
            bytes,
            in -> {
              Tensor logits = in.normal(dtype, t, v);
              Tensor statistics = in.filled(DType.F32, 0, NUM_STATISTICS, t);
              Tensor targets = in.ids(ids);
              return () ->
                  in.kernels()
                      .vocabParallelLoss()
                      .vocabParallelStatistics(statistics, logits, targets, 0);
            }));
    operations.add(
        Operation.bytes(
            "vocabParallelLossBackward, t " + t,
            2 * bytes,
            in -> {
              Tensor logits = in.normal(dtype, t, v);
              Tensor statistics = in.normal(DType.F32, 2, NUM_STATISTICS, t);
              Tensor targets = in.ids(ids);
              Tensor mask = in.filled(DType.F32, 1, t);
              Tensor scale = in.filled(DType.F64, 1, 1);
              return () ->
                  in.kernels()
                      .vocabParallelLoss()
                      .vocabParallelLossBackward(
                          logits, statistics, targets, mask, scale, 0, Z_LOSS);
            }));
  }
}
