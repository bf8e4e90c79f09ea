package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionBlock;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Tensor;

/** Every operation, handed to the class of its family. */
final class CpuKernels implements Kernels {
  private final CpuMatmul matmul;
  private final CpuNorm norm;
  private final CpuRope rope;
  private final CpuAttention attention;
  private final CpuActivation activation;
  private final CpuEmbedding embedding;
  private final CpuLoss loss;
  private final CpuVocabParallelLoss vocabParallelLoss;
  private final CpuOptimizer optimizer;
  private final CpuElementwise elementwise;
  private final CpuRandom random;

  CpuKernels(Workers workers) {
    elementwise = new CpuElementwise(workers);
    matmul = new CpuMatmul(workers, elementwise);
    norm = new CpuNorm(workers);
    rope = new CpuRope(workers);
    attention = new CpuAttention(workers, elementwise);
    activation = new CpuActivation(workers);
    embedding = new CpuEmbedding(workers);
    loss = new CpuLoss(workers);
    vocabParallelLoss = new CpuVocabParallelLoss(workers);
    optimizer = new CpuOptimizer(workers);
    random = new CpuRandom(workers);
  }

  @Override
  public void matmul(Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    matmul.matmul(out, a, opA, b, opB, accumulate);
  }

  @Override
  public void rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    norm.rmsNormForward(out, rstd, x, weight, epsilon);
  }

  @Override
  public void rmsNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor rstd,
      Tensor weight,
      Accumulate accumulateDx) {
    norm.rmsNormBackward(dx, dWeight, dOut, x, rstd, weight, accumulateDx);
  }

  @Override
  public void ropeForward(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
    rope.ropeForward(qkv, cos, sin, shape);
  }

  @Override
  public void ropeBackward(Tensor dQkv, Tensor cos, Tensor sin, AttentionShape shape) {
    rope.ropeBackward(dQkv, cos, sin, shape);
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    attention.causalAttentionForward(out, logSumExp, qkv, shape);
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    attention.causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape);
  }

  @Override
  public void blockAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, Tensor keyValues, AttentionBlock block) {
    attention.blockAttentionForward(out, logSumExp, qkv, keyValues, block);
  }

  @Override
  public void blockAttentionBackward(
      Tensor dQueries,
      Tensor dKeyValues,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      Tensor qkv,
      Tensor keyValues,
      AttentionBlock block) {
    attention.blockAttentionBackward(
        dQueries, dKeyValues, dOut, out, logSumExp, qkv, keyValues, block);
  }

  @Override
  public void mergeAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
    attention.mergeAttention(out, logSumExp, partOut, partLogSumExp, shape);
  }

  @Override
  public void swiGluForward(Tensor out, Tensor gateUp) {
    activation.swiGluForward(out, gateUp);
  }

  @Override
  public void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp) {
    activation.swiGluBackward(dGateUp, dOut, gateUp);
  }

  @Override
  public void embeddingForward(Tensor out, Tensor tokens, Tensor weight, long firstRow) {
    embedding.embeddingForward(out, tokens, weight, firstRow);
  }

  @Override
  public void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens, long firstRow) {
    embedding.embeddingBackward(dWeight, dOut, tokens, firstRow);
  }

  @Override
  public void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss) {
    loss.crossEntropyForward(sums, logits, targets, lossMask, zLoss);
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss) {
    loss.crossEntropyForwardBackward(sums, logits, targets, lossMask, gradScale, zLoss);
  }

  @Override
  public void vocabParallelStatistics(
      Tensor statistics, Tensor logits, Tensor targets, long firstId) {
    vocabParallelLoss.vocabParallelStatistics(statistics, logits, targets, firstId);
  }

  @Override
  public void vocabParallelLoss(Tensor sums, Tensor statistics, Tensor lossMask, double zLoss) {
    vocabParallelLoss.vocabParallelLoss(sums, statistics, lossMask, zLoss);
  }

  @Override
  public void vocabParallelLossBackward(
      Tensor logits,
      Tensor statistics,
      Tensor targets,
      Tensor lossMask,
      Tensor gradScale,
      long firstId,
      double zLoss) {
    vocabParallelLoss.vocabParallelLossBackward(
        logits, statistics, targets, lossMask, gradScale, firstId, zLoss);
  }

  @Override
  public void sumOfSquares(Tensor out, Tensor x) {
    optimizer.sumOfSquares(out, x);
  }

  @Override
  public void clipFactor(Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm) {
    optimizer.clipFactor(norm, factor, sumOfSquares, maxNorm);
  }

  @Override
  public void adamW(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      Tensor factor,
      AdamWStep step) {
    optimizer.adamW(weight, master, firstMoment, secondMoment, grad, factor, step);
  }

  @Override
  public void fill(Tensor out, double value) {
    elementwise.fill(out, value);
  }

  @Override
  public void copy(Tensor out, Tensor in) {
    elementwise.copy(out, in);
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    elementwise.add(out, a, b);
  }

  @Override
  public void copyColumns(
      Tensor out, int firstOut, Tensor in, int firstIn, int numColumns, Accumulate accumulate) {
    elementwise.copyColumns(out, firstOut, in, firstIn, numColumns, accumulate);
  }

  @Override
  public void fillNormal(
      Tensor out,
      long key,
      long firstRow,
      long firstColumn,
      long globalColumns,
      double standardDeviation) {
    random.fillNormal(out, key, firstRow, firstColumn, globalColumns, standardDeviation);
  }
}
