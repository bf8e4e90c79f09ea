package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Cross entropy over a part of the vocabulary; see loss.cu. */
final class CudaVocabParallelLoss implements VocabParallelLossKernels {
  private final CudaModules modules;

  CudaVocabParallelLoss(CudaModules modules) {
    this.modules = modules;
  }

  @Override
  public void vocabParallelStatistics(
      Tensor statistics, Tensor logits, Tensor targets, long firstId) {
    long tokens = Expect.rows(logits);
    Expect.computeType("logits of vocabParallelLoss", logits);
    Expect.elements("statistics of vocabParallelLoss", statistics, NUM_STATISTICS * tokens);
    Expect.dtype("statistics of vocabParallelLoss", statistics, DType.F32);
    checkTargets(targets, tokens);
    RowVariant variant = CudaLoss.variant(logits);
    CudaFunction function = modules.function(variant, "vocab_parallel_statistics");
    function.arg(statistics).arg(logits).arg(targets).arg(Expect.columns(logits)).arg(firstId);
    function.launch(tokens, CudaLoss.threads(logits, variant.vector()));
  }

  @Override
  public void vocabParallelLoss(Tensor sums, Tensor statistics, Tensor lossMask, double zLoss) {
    Expect.elements("sums of vocabParallelLoss", sums, LossKernels.NUM_SUMS);
    Expect.dtype("sums of vocabParallelLoss", sums, DType.F64);
    long parts = parts(statistics, lossMask);
    RowVariant variant = new RowVariant("loss", DType.F32, 1);
    CudaFunction function = modules.function(variant, "vocab_parallel_loss");
    function.arg(sums).arg(statistics).arg(lossMask).arg(parts).arg(lossMask.numElements());
    function.arg((float) zLoss).launch(1, CudaLoss.MAX_THREADS);
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
    long tokens = Expect.rows(logits);
    Expect.computeType("logits of vocabParallelLoss", logits);
    Expect.elements("gradScale of vocabParallelLoss", gradScale, 1);
    Expect.dtype("gradScale of vocabParallelLoss", gradScale, DType.F64);
    Expect.elements("lossMask of vocabParallelLoss", lossMask, tokens);
    checkTargets(targets, tokens);
    long parts = parts(statistics, lossMask);
    RowVariant variant = CudaLoss.variant(logits);
    CudaFunction function = modules.function(variant, "vocab_parallel_loss_backward");
    function.arg(logits).arg(statistics).arg(targets).arg(lossMask).arg(gradScale).arg(parts);
    function.arg(Expect.columns(logits)).arg(firstId).arg((float) zLoss);
    function.launch(tokens, CudaLoss.threads(logits, variant.vector()));
  }

  /** Returns how many parts the statistics cover. */
  private static long parts(Tensor statistics, Tensor lossMask) {
    Expect.dtype("lossMask of vocabParallelLoss", lossMask, DType.F32);
    Expect.dtype("statistics of vocabParallelLoss", statistics, DType.F32);
    long perPart = NUM_STATISTICS * lossMask.numElements();
    long parts = perPart == 0 ? 0 : statistics.numElements() / perPart;
    Expect.elements("statistics of vocabParallelLoss", statistics, parts * perPart);
    return parts;
  }

  private static void checkTargets(Tensor targets, long tokens) {
    Expect.elements("targets of vocabParallelLoss", targets, tokens);
    Expect.dtype("targets of vocabParallelLoss", targets, DType.I32);
  }
}
