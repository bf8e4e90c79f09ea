package io.tanuki4j.backend.host;

import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Checks of the arguments of whole calls, the same for every backend in the host's memory. */
public final class CallChecks {
  private CallChecks() {}

  /** Checks the operands of {@link io.tanuki4j.kernel.MatmulKernels#matmul}. */
  public static void product(Tensor out, Tensor a, Op opA, Tensor b, Op opB) {
    Expect.sameType("b of matmul", b, a);
    if (!a.dtype().isFloat16() || out.dtype() != DType.F32) {
      Expect.sameType("out of matmul", out, a);
    }
    long m = opA == Op.NONE ? Expect.rows(a) : a.dim(-1);
    long k = opA == Op.NONE ? a.dim(-1) : Expect.rows(a);
    long n = opB == Op.NONE ? b.dim(-1) : Expect.rows(b);
    Expect.matrix("out of matmul", out, m, n);
    Expect.matrix("b of matmul", b, opB == Op.NONE ? k : n, opB == Op.NONE ? n : k);
  }

  /** Checks the arguments of {@link io.tanuki4j.kernel.NormKernels#rmsNormForward}. */
  public static void rmsNorm(Tensor out, Tensor rstd, Tensor x, Tensor weight) {
    Expect.like("out of rmsNorm", out, x);
    Expect.elements("rstd of rmsNorm", rstd, Expect.rows(x));
    Expect.elements("weight of rmsNorm", weight, x.dim(-1));
    Expect.sameType("weight of rmsNorm", weight, x);
    Expect.sumType("rstd of rmsNorm", rstd, x);
  }

  /** Checks what else {@link io.tanuki4j.kernel.NormKernels#rmsNormBackward} takes. */
  public static void rmsNormGradients(
      Tensor dWeight, Tensor dOut, Tensor x, @Nullable Tensor residual) {
    Expect.like("dOut of rmsNorm", dOut, x);
    if (residual != null) {
      Expect.like("residual of rmsNorm", residual, x);
    }
    Expect.elements("dWeight of rmsNorm", dWeight, x.dim(-1));
    Expect.gradientType("dWeight of rmsNorm", dWeight, x);
  }

  /** Checks the arguments of {@link io.tanuki4j.kernel.LayerNormKernels#layerNormForward}. */
  public static void layerNorm(Tensor out, Tensor statistics, Tensor x, Tensor weight) {
    long count = LayerNormKernels.NUM_STATISTICS * Expect.rows(x);
    Expect.like("out of layerNorm", out, x);
    Expect.elements("statistics of layerNorm", statistics, count);
    Expect.sumType("statistics of layerNorm", statistics, x);
    Expect.elements("weight of layerNorm", weight, x.dim(-1));
    Expect.sameType("weight of layerNorm", weight, x);
  }

  /** Checks what else {@link io.tanuki4j.kernel.LayerNormKernels#layerNormBackward} takes. */
  public static void layerNormGradients(
      Tensor dWeight, Tensor dBias, Tensor dOut, Tensor x, @Nullable Tensor residual) {
    Expect.like("dOut of layerNorm", dOut, x);
    if (residual != null) {
      Expect.like("residual of layerNorm", residual, x);
    }
    Expect.elements("dWeight of layerNorm", dWeight, x.dim(-1));
    Expect.gradientType("dWeight of layerNorm", dWeight, x);
    Expect.elements("dBias of layerNorm", dBias, x.dim(-1));
    Expect.sameType("dBias of layerNorm", dBias, dWeight);
  }

  /** Checks the arguments of {@link io.tanuki4j.kernel.RopeKernels}. */
  public static void rope(
      Tensor qkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    long half = cos.dim(-1);
    long tokens = (long) shape.seqLength() * shape.batchSize();
    long numRows = rows == null ? shape.seqLength() : Expect.rows(cos);
    Expect.matrix("qkv of rope", qkv, tokens, shape.qkvSize());
    Expect.matrix("cos of rope", cos, numRows, half);
    Expect.matrix("sin of rope", sin, numRows, half);
    Expect.sumType("cos of rope", cos, qkv);
    Expect.sumType("sin of rope", sin, qkv);
    integers("rows of rope", rows, tokens);
    if (2 * half > shape.headDim()) {
      throw new IllegalArgumentException(
          "rope: rotary dim %d (expected: at most the head dim %d)"
              .formatted(2 * half, shape.headDim()));
    }
  }

  /** Checks the tensors of a mask. */
  public static void mask(AttentionMask mask, AttentionShape queries, int numKeys) {
    long tokens = (long) queries.seqLength() * queries.batchSize();
    integers("documentStarts of attention", mask.documentStarts(), tokens);
    integers("queryPositions of attention", mask.queryPositions(), queries.seqLength());
    integers("keyPositions of attention", mask.keyPositions(), numKeys);
    if (mask.dropout() != null) {
      dropout(mask.dropout(), queries.batchSize());
    }
  }

  /** Checks that a dropout has a sample number for each of the {@code batchSize} sequences. */
  public static void dropout(Dropout dropout, long batchSize) {
    Expect.elements("samples of dropout", dropout.samples(), batchSize);
    Expect.dtype("samples of dropout", dropout.samples(), DType.I64);
  }

  private static void integers(String name, @Nullable Tensor tensor, long elements) {
    if (tensor != null) {
      Expect.elements(name, tensor, elements);
      Expect.dtype(name, tensor, DType.I32);
    }
  }

  /** Checks what every attention of some queries takes. */
  public static void attention(Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    Expect.matrix("qkv of attention", qkv, tokens, shape.qkvSize());
    Expect.matrix("out of attention", out, tokens, shape.outSize());
    Expect.elements("logSumExp of attention", logSumExp, tokens * shape.numHeads());
    Expect.sameType("out of attention", out, qkv);
    Expect.sumType("logSumExp of attention", logSumExp, qkv);
  }

  /** Checks the keys and values of a block. */
  public static void keyValues(Tensor keyValues, Tensor qkv, AttentionBlock block) {
    long tokens = (long) block.numKeys() * block.queries().batchSize();
    Expect.matrix("keys and values of attention", keyValues, tokens, block.keyValueSize());
    Expect.sameType("keys and values of attention", keyValues, qkv);
  }

  /** Checks the arguments of {@link io.tanuki4j.kernel.AttentionKernels#mergeAttention}. */
  public static void mergedAttention(
      Tensor out, Tensor logSumExp, Tensor partOut, Tensor partLogSumExp, AttentionShape shape) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    long part = partOut.dim(0) * shape.batchSize();
    Expect.matrix("out of attention", out, tokens, shape.outSize());
    Expect.matrix("partOut of attention", partOut, Math.min(part, tokens), shape.outSize());
    Expect.elements("logSumExp of attention", logSumExp, tokens * shape.numHeads());
    Expect.elements("partLogSumExp of attention", partLogSumExp, part * shape.numHeads());
    Expect.gradientType("out of attention", out, partOut);
    Expect.sumType("logSumExp of attention", logSumExp, partOut);
    Expect.sumType("partLogSumExp of attention", partLogSumExp, partOut);
  }

  /** Checks the sums that a loss adds to. */
  public static void lossSums(Tensor sums) {
    Expect.elements("sums of a loss", sums, LossKernels.NUM_SUMS);
    Expect.dtype("sums of a loss", sums, DType.F64);
  }

  public static void gradScale(Tensor gradScale) {
    Expect.elements("gradScale of a loss", gradScale, 1);
    Expect.dtype("gradScale of a loss", gradScale, DType.F64);
  }

  /** Checks a target and a weight for every row of logits. */
  public static void tokens(Tensor logits, Tensor targets, Tensor lossMask) {
    targets(logits, targets);
    Expect.elements("lossMask of a loss", lossMask, Expect.rows(logits));
    Expect.dtype("lossMask of a loss", lossMask, DType.F32);
  }

  private static void targets(Tensor logits, Tensor targets) {
    Expect.elements("targets of a loss", targets, Expect.rows(logits));
    Expect.dtype("targets of a loss", targets, DType.I32);
  }

  /** Checks the arguments of {@link VocabParallelLossKernels#vocabParallelStatistics}. */
  public static void vocabParallelStatistics(Tensor statistics, Tensor logits, Tensor targets) {
    long count = VocabParallelLossKernels.NUM_STATISTICS * Expect.rows(logits);
    Expect.elements("statistics of vocabParallelLoss", statistics, count);
    Expect.sumType("statistics of vocabParallelLoss", statistics, logits);
    targets(logits, targets);
  }

  /** Returns how many parts of the vocabulary the statistics are of. */
  public static long vocabParallelParts(Tensor statistics, Tensor lossMask) {
    Expect.dtype("lossMask of vocabParallelLoss", lossMask, DType.F32);
    Expect.floatingPoint("statistics of vocabParallelLoss", statistics);
    long perPart = VocabParallelLossKernels.NUM_STATISTICS * lossMask.numElements();
    long numParts = perPart == 0 ? 0 : statistics.numElements() / perPart;
    Expect.elements("statistics of vocabParallelLoss", statistics, numParts * perPart);
    return numParts;
  }

  /** Checks tokens of embedding and what belongs to each of them. */
  public static void embedding(String name, Tensor perToken, Tensor tokens, Tensor table) {
    Expect.dtype("tokens of embedding", tokens, DType.I32);
    Expect.matrix(name, perToken, tokens.numElements(), table.dim(-1));
  }

  /** Checks a tensor of gates and ups, each as wide as {@code half}. */
  public static void gateUp(String name, Tensor gateUp, Tensor half) {
    Expect.matrix(name, gateUp, Expect.rows(half), 2 * half.dim(-1));
    Expect.sameType(name, gateUp, half);
  }

  /** Checks the tensors of {@link io.tanuki4j.kernel.OptimizerKernels#adamW}. */
  public static void adamW(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      Tensor factor) {
    likeMaster("weight of adamW", weight, master);
    likeMaster("firstMoment of adamW", firstMoment, master);
    likeMaster("secondMoment of adamW", secondMoment, master);
    likeMaster("grad of adamW", grad, master);
    Expect.elements("factor of adamW", factor, 1);
    Expect.dtype("factor of adamW", factor, DType.F64);
  }

  private static void likeMaster(String name, Tensor tensor, Tensor master) {
    Expect.elements(name, tensor, master.numElements());
    Expect.sameKind(name, tensor, master);
  }

  /** Checks where an FP8 tensor of this many rows and columns goes; returns its type. */
  public static DType quantized(Fp8Kernels.Target out, long rows, long columns) {
    Tensor some = out.rows() == null ? Objects.requireNonNull(out.columns()) : out.rows();
    quantized("rows of the target", out.rows(), some.dtype(), rows, columns);
    quantized("columns of the target", out.columns(), some.dtype(), columns, rows);
    return some.dtype();
  }

  private static void quantized(
      String name, @Nullable Tensor tensor, DType dtype, long rows, long columns) {
    if (tensor != null) {
      Expect.float8(name, tensor);
      Expect.dtype(name, tensor, dtype);
      Expect.matrix(name, tensor, rows, columns);
      Expect.multiple(name, tensor, Fp8Kernels.MULTIPLE);
    }
  }
}
