package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionBlock;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Tensor;

/** Another device's kernels, each call timed. It overrides the fused operations, too. */
final class ProfiledKernels implements Kernels {
  private final Kernels kernels;
  private final CallRecorder recorder;

  ProfiledKernels(Kernels kernels, CallRecorder recorder) {
    this.kernels = kernels;
    this.recorder = recorder;
  }

  @Override
  public void matmul(Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    recorder.time(
        () -> KernelCalls.matmul(out, a, opA, b, opB, accumulate),
        () -> kernels.matmul(out, a, opA, b, opB, accumulate));
  }

  @Override
  public void rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight, double epsilon) {
    recorder.time(
        () -> KernelCalls.rmsNormForward(out, rstd, x, weight),
        () -> kernels.rmsNormForward(out, rstd, x, weight, epsilon));
  }

  @Override
  public void addRmsNormForward(
      Tensor sum, Tensor out, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon) {
    recorder.time(
        () -> KernelCalls.addRmsNormForward(sum, out, rstd, x, delta, weight),
        () -> kernels.addRmsNormForward(sum, out, rstd, x, delta, weight, epsilon));
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
    recorder.time(
        () -> KernelCalls.rmsNormBackward(dx, dWeight, dOut, x, rstd, weight, accumulateDx),
        () -> kernels.rmsNormBackward(dx, dWeight, dOut, x, rstd, weight, accumulateDx));
  }

  @Override
  public void ropeForward(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
    recorder.time(
        () -> KernelCalls.rope("ropeForward", qkv, cos, sin, shape),
        () -> kernels.ropeForward(qkv, cos, sin, shape));
  }

  @Override
  public void ropeBackward(Tensor dQkv, Tensor cos, Tensor sin, AttentionShape shape) {
    recorder.time(
        () -> KernelCalls.rope("ropeBackward", dQkv, cos, sin, shape),
        () -> kernels.ropeBackward(dQkv, cos, sin, shape));
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    recorder.time(
        () -> KernelCalls.causalAttentionForward(out, logSumExp, qkv, shape),
        () -> kernels.causalAttentionForward(out, logSumExp, qkv, shape));
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    recorder.time(
        () -> KernelCalls.causalAttentionBackward(dQkv, dOut, out, logSumExp, shape),
        () -> kernels.causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape));
  }

  @Override
  public void blockAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, Tensor keyValues, AttentionBlock block) {
    recorder.time(
        () -> KernelCalls.blockAttentionForward(out, logSumExp, keyValues, block),
        () -> kernels.blockAttentionForward(out, logSumExp, qkv, keyValues, block));
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
    recorder.time(
        () -> KernelCalls.blockAttentionBackward(dQueries, dKeyValues, dOut, out, logSumExp, block),
        () ->
            kernels.blockAttentionBackward(
                dQueries, dKeyValues, dOut, out, logSumExp, qkv, keyValues, block));
  }

  @Override
  public void mergeAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
    recorder.time(
        () -> KernelCalls.mergeAttention(out, partOut, partLogSumExp),
        () -> kernels.mergeAttention(out, logSumExp, partOut, partLogSumExp, shape));
  }

  @Override
  public void swiGluForward(Tensor out, Tensor gateUp) {
    recorder.time(
        () -> KernelCalls.swiGluForward(out, gateUp), () -> kernels.swiGluForward(out, gateUp));
  }

  @Override
  public void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp) {
    recorder.time(
        () -> KernelCalls.swiGluBackward(dGateUp, dOut),
        () -> kernels.swiGluBackward(dGateUp, dOut, gateUp));
  }

  @Override
  public void embeddingForward(Tensor out, Tensor tokens, Tensor weight, long firstRow) {
    recorder.time(
        () -> KernelCalls.embeddingForward(out, tokens, weight),
        () -> kernels.embeddingForward(out, tokens, weight, firstRow));
  }

  @Override
  public void embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens, long firstRow) {
    recorder.time(
        () -> KernelCalls.embeddingBackward(dWeight, dOut, tokens),
        () -> kernels.embeddingBackward(dWeight, dOut, tokens, firstRow));
  }

  @Override
  public void crossEntropyForward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, double zLoss) {
    recorder.time(
        () -> KernelCalls.crossEntropyForward(logits, targets, lossMask),
        () -> kernels.crossEntropyForward(sums, logits, targets, lossMask, zLoss));
  }

  @Override
  public void crossEntropyForwardBackward(
      Tensor sums, Tensor logits, Tensor targets, Tensor lossMask, Tensor gradScale, double zLoss) {
    recorder.time(
        () -> KernelCalls.crossEntropyForwardBackward(logits, targets, lossMask),
        () ->
            kernels.crossEntropyForwardBackward(sums, logits, targets, lossMask, gradScale, zLoss));
  }

  @Override
  public void vocabParallelStatistics(
      Tensor statistics, Tensor logits, Tensor targets, long firstId) {
    recorder.time(
        () -> KernelCalls.vocabParallelStatistics(statistics, logits, targets),
        () -> kernels.vocabParallelStatistics(statistics, logits, targets, firstId));
  }

  @Override
  public void vocabParallelLoss(Tensor sums, Tensor statistics, Tensor lossMask, double zLoss) {
    recorder.time(
        () -> KernelCalls.vocabParallelLoss(statistics, lossMask),
        () -> kernels.vocabParallelLoss(sums, statistics, lossMask, zLoss));
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
    recorder.time(
        () -> KernelCalls.vocabParallelLossBackward(logits, statistics, targets, lossMask),
        () ->
            kernels.vocabParallelLossBackward(
                logits, statistics, targets, lossMask, gradScale, firstId, zLoss));
  }

  @Override
  public void sumOfSquares(Tensor out, Tensor x) {
    recorder.time(() -> KernelCalls.sumOfSquares(x), () -> kernels.sumOfSquares(out, x));
  }

  @Override
  public void clipFactor(Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm) {
    recorder.time(
        () -> KernelCalls.clipFactor(norm, factor, sumOfSquares),
        () -> kernels.clipFactor(norm, factor, sumOfSquares, maxNorm));
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
    recorder.time(
        () -> KernelCalls.adamW(weight, master, firstMoment, secondMoment, grad),
        () -> kernels.adamW(weight, master, firstMoment, secondMoment, grad, factor, step));
  }

  @Override
  public void fill(Tensor out, double value) {
    recorder.time(() -> KernelCalls.fill(out), () -> kernels.fill(out, value));
  }

  @Override
  public void copy(Tensor out, Tensor in) {
    recorder.time(() -> KernelCalls.copy(out, in), () -> kernels.copy(out, in));
  }

  @Override
  public void add(Tensor out, Tensor a, Tensor b) {
    recorder.time(() -> KernelCalls.add(out, a, b), () -> kernels.add(out, a, b));
  }

  @Override
  public void copyColumns(
      Tensor out, int firstOut, Tensor in, int firstIn, int numColumns, Accumulate accumulate) {
    recorder.time(
        () -> KernelCalls.copyColumns(out, in, numColumns, accumulate),
        () -> kernels.copyColumns(out, firstOut, in, firstIn, numColumns, accumulate));
  }

  @Override
  public void fillNormal(
      Tensor out,
      long key,
      long firstRow,
      long firstColumn,
      long globalColumns,
      double standardDeviation) {
    recorder.time(
        () -> KernelCalls.fillNormal(out),
        () ->
            kernels.fillNormal(out, key, firstRow, firstColumn, globalColumns, standardDeviation));
  }
}
