package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionBlock;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.Tensor;

/** What the operations cost; methods are named and take operands as in {@code Kernels}. */
final class KernelCalls {
  /** Scores and values of the forward. */
  private static final int ATTENTION_FORWARD_PRODUCTS = 2;

  /** The gradients of queries, keys, values and probabilities, and the scores again. */
  private static final int ATTENTION_BACKWARD_PRODUCTS = 5;

  private KernelCalls() {}

  static KernelCall matmul(Tensor out, Tensor a, Op opA, Tensor b, Op opB, Accumulate accumulate) {
    long n = out.dim(-1);
    long m = out.numElements() / n;
    long k = a.numElements() / m;
    String form = letter(opA) + letter(opB);
    String shape = "%s %d×%d×%d %s".formatted(form, m, n, k, types(out, a, accumulate));
    double moved = bytes(out, a, b) + added(out, accumulate);
    return new KernelCall(KernelFamily.MATMUL, "matmul", shape, 2.0 * m * n * k, moved);
  }

  private static String letter(Op op) {
    return op == Op.TRANSPOSE ? "T" : "N";
  }

  private static String types(Tensor out, Tensor a, Accumulate accumulate) {
    String types = out.dtype() == a.dtype() ? a.dtype().name() : a.dtype() + "→" + out.dtype();
    return accumulate == Accumulate.ADD ? types + " +=" : types;
  }

  static KernelCall rmsNormForward(Tensor out, Tensor rstd, Tensor x, Tensor weight) {
    return moved(KernelFamily.NORM, "rmsNormForward", x, bytes(out, rstd, x, weight));
  }

  static KernelCall addRmsNormForward(
      Tensor sum, Tensor out, Tensor rstd, Tensor x, Tensor delta, Tensor weight) {
    double bytes = bytes(sum, out, rstd, x, delta, weight);
    return moved(KernelFamily.NORM, "addRmsNormForward", x, bytes);
  }

  static KernelCall rmsNormBackward(
      Tensor dx,
      Tensor dWeight,
      Tensor dOut,
      Tensor x,
      Tensor rstd,
      Tensor weight,
      Accumulate accumulateDx) {
    double read = bytes(dWeight, dOut, x, rstd, weight) + added(dx, accumulateDx);
    double bytes = read + bytes(dx, dWeight);
    String shape = accumulateDx == Accumulate.ADD ? x + " +=" : x.toString();
    return new KernelCall(KernelFamily.NORM, "rmsNormBackward", shape, 0, bytes);
  }

  /** Only the rotated elements pass. */
  static KernelCall rope(
      String operation, Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
    double tokens = (double) shape.seqLength() * shape.batchSize();
    double heads = shape.numHeads() + shape.numQueryGroups();
    double rotated = tokens * heads * 2 * cos.dim(-1) * qkv.dtype().bytes();
    return moved(KernelFamily.ROPE, operation, qkv, 2 * rotated + bytes(cos, sin));
  }

  static KernelCall causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    return attention(
        "causalAttentionForward", shape, ATTENTION_FORWARD_PRODUCTS, bytes(out, logSumExp, qkv));
  }

  static KernelCall causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, AttentionShape shape) {
    double bytes = 2 * bytes(dQkv) + bytes(dOut, out, logSumExp);
    return attention("causalAttentionBackward", shape, ATTENTION_BACKWARD_PRODUCTS, bytes);
  }

  /** Half of the s·s pairs count, as in {@code model.FlopsPerToken}. */
  private static KernelCall attention(
      String operation, AttentionShape shape, int products, double bytes) {
    double pairs = 0.5 * shape.seqLength() * shape.seqLength();
    return attention(operation, "s " + shape.seqLength(), shape, products * pairs, bytes);
  }

  static KernelCall blockAttentionForward(
      Tensor out, Tensor logSumExp, Tensor keyValues, AttentionBlock block) {
    double bytes = 2 * bytes(out) + bytes(logSumExp, keyValues);
    return attention("blockAttentionForward", block, ATTENTION_FORWARD_PRODUCTS, bytes);
  }

  static KernelCall blockAttentionBackward(
      Tensor dQueries,
      Tensor dKeyValues,
      Tensor dOut,
      Tensor out,
      Tensor logSumExp,
      AttentionBlock block) {
    double bytes = 2 * bytes(dQueries, dKeyValues) + bytes(dOut, out, logSumExp);
    return attention("blockAttentionBackward", block, ATTENTION_BACKWARD_PRODUCTS, bytes);
  }

  private static KernelCall attention(
      String operation, AttentionBlock block, int products, double bytes) {
    AttentionShape queries = block.queries();
    double pairs = (double) queries.seqLength() * block.numKeys();
    String sizes = "q %d, k %d".formatted(queries.seqLength(), block.numKeys());
    return attention(operation, sizes, queries, products * pairs, bytes);
  }

  /**
   * @param products of vectors of a head: pairs of tokens times matrix products
   */
  private static KernelCall attention(
      String operation, String sizes, AttentionShape shape, double products, double bytes) {
    double flops = 2.0 * products * shape.batchSize() * shape.outSize();
    String text =
        "%s, b %d, n %d, g %d, d %d"
            .formatted(
                sizes,
                shape.batchSize(),
                shape.numHeads(),
                shape.numQueryGroups(),
                shape.headDim());
    return new KernelCall(KernelFamily.ATTENTION, operation, text, flops, bytes);
  }

  /** Only the part's queries pass; of their logarithms old and new. */
  static KernelCall mergeAttention(Tensor out, Tensor partOut, Tensor partLogSumExp) {
    double merged = (double) partOut.numElements() * out.dtype().bytes();
    double bytes = 2 * merged + bytes(partOut) + 3 * bytes(partLogSumExp);
    return moved(KernelFamily.ATTENTION, "mergeAttention", partOut, bytes);
  }

  static KernelCall swiGluForward(Tensor out, Tensor gateUp) {
    return moved(KernelFamily.ACTIVATION, "swiGluForward", out, bytes(out, gateUp));
  }

  static KernelCall swiGluBackward(Tensor dGateUp, Tensor dOut) {
    double bytes = 2 * bytes(dGateUp) + bytes(dOut);
    return moved(KernelFamily.ACTIVATION, "swiGluBackward", dOut, bytes);
  }

  /** As if no token came twice; of more tokens than rows, each row passes once. */
  static KernelCall embeddingForward(Tensor out, Tensor tokens, Tensor weight) {
    double rows = Math.min(bytes(out), bytes(weight));
    return moved(KernelFamily.EMBEDDING, "embeddingForward", out, bytes(out, tokens) + rows);
  }

  static KernelCall embeddingBackward(Tensor dWeight, Tensor dOut, Tensor tokens) {
    double rows = Math.min((double) dOut.numElements() * dWeight.dtype().bytes(), bytes(dWeight));
    return moved(KernelFamily.EMBEDDING, "embeddingBackward", dOut, bytes(dOut, tokens) + 2 * rows);
  }

  static KernelCall crossEntropyForward(Tensor logits, Tensor targets, Tensor lossMask) {
    double bytes = bytes(logits, targets, lossMask);
    return moved(KernelFamily.LOSS, "crossEntropyForward", logits, bytes);
  }

  static KernelCall crossEntropyForwardBackward(Tensor logits, Tensor targets, Tensor lossMask) {
    double bytes = 2 * bytes(logits) + bytes(targets, lossMask);
    return moved(KernelFamily.LOSS, "crossEntropyForwardBackward", logits, bytes);
  }

  static KernelCall vocabParallelStatistics(Tensor statistics, Tensor logits, Tensor targets) {
    double bytes = bytes(statistics, logits, targets);
    return moved(KernelFamily.LOSS, "vocabParallelStatistics", logits, bytes);
  }

  static KernelCall vocabParallelLoss(Tensor statistics, Tensor lossMask) {
    double bytes = bytes(statistics, lossMask);
    return moved(KernelFamily.LOSS, "vocabParallelLoss", statistics, bytes);
  }

  static KernelCall vocabParallelLossBackward(
      Tensor logits, Tensor statistics, Tensor targets, Tensor lossMask) {
    double bytes = 2 * bytes(logits) + bytes(statistics, targets, lossMask);
    return moved(KernelFamily.LOSS, "vocabParallelLossBackward", logits, bytes);
  }

  static KernelCall sumOfSquares(Tensor x) {
    return moved(KernelFamily.OPTIMIZER, "sumOfSquares", x, bytes(x));
  }

  static KernelCall clipFactor(Tensor norm, Tensor factor, Tensor sumOfSquares) {
    return moved(KernelFamily.OPTIMIZER, "clipFactor", norm, bytes(norm, factor, sumOfSquares));
  }

  /** A weight beside its master is written, all else but the gradient read and written. */
  static KernelCall adamW(
      Tensor weight, Tensor master, Tensor firstMoment, Tensor secondMoment, Tensor grad) {
    double copy = weight.dtype() == master.dtype() ? 0 : bytes(weight);
    double bytes = copy + 2 * bytes(master, firstMoment, secondMoment) + bytes(grad);
    return moved(KernelFamily.OPTIMIZER, "adamW", weight, bytes);
  }

  static KernelCall fill(Tensor out) {
    return moved(KernelFamily.ELEMENTWISE, "fill", out, bytes(out));
  }

  static KernelCall copy(Tensor out, Tensor in) {
    return moved(KernelFamily.ELEMENTWISE, "copy", in, bytes(out, in));
  }

  static KernelCall add(Tensor out, Tensor a, Tensor b) {
    return moved(KernelFamily.ELEMENTWISE, "add", out, bytes(out, a, b));
  }

  static KernelCall copyColumns(Tensor out, Tensor in, int numColumns, Accumulate accumulate) {
    double elements = (double) in.numElements() / in.dim(-1) * numColumns;
    int passes = accumulate == Accumulate.ADD ? 2 : 1;
    double bytes = elements * (in.dtype().bytes() + passes * out.dtype().bytes());
    String shape = "%d columns of %s, %s".formatted(numColumns, in, out.dtype());
    String text = accumulate == Accumulate.ADD ? shape + " +=" : shape;
    return new KernelCall(KernelFamily.ELEMENTWISE, "copyColumns", text, 0, bytes);
  }

  static KernelCall fillNormal(Tensor out) {
    return moved(KernelFamily.RANDOM, "fillNormal", out, bytes(out));
  }

  private static KernelCall moved(
      KernelFamily family, String operation, Tensor shaped, double bytes) {
    return new KernelCall(family, operation, shaped.toString(), 0, bytes);
  }

  private static double added(Tensor out, Accumulate accumulate) {
    return accumulate == Accumulate.ADD ? bytes(out) : 0;
  }

  private static double bytes(Tensor... tensors) {
    double sum = 0;
    for (Tensor tensor : tensors) {
      sum += tensor.numBytes();
    }
    return sum;
  }
}
