package io.tanuki4j.nn;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Tensor;
import java.util.function.Consumer;

/**
 * Everything that a layer may know about the micro-batch it works on.
 *
 * @param inputs its tokens, and what is known of them
 * @param lossSums {@code [LossKernels.NUM_SUMS]}, F64, added to
 * @param gradScale {@code [1]}, F64: what the gradient of the summed loss is multiplied by
 * @param weights how gradients of weights are added to
 * @param listener is told when layers use their parameters
 * @param training whether a backward follows; without it layers need not save anything
 * @param scope memory until the micro-batch's backward is done
 */
public record Microbatch(
    Inputs inputs,
    Tensor lossSums,
    Tensor gradScale,
    WeightGradients weights,
    ParameterListener listener,
    boolean training,
    MemoryScope scope) {
  /** Makes a micro-batch whose backward is whole. */
  public Microbatch(
      Inputs inputs,
      Tensor lossSums,
      Tensor gradScale,
      Accumulate weightGrads,
      ParameterListener listener,
      boolean training,
      MemoryScope scope) {
    this(
        inputs,
        lossSums,
        gradScale,
        WeightGradients.atOnce(weightGrads),
        listener,
        training,
        scope);
  }

  /**
   * What a micro-batch consists of.
   *
   * @param tokens {@code [s, b]}, I32
   * @param targets {@code [s, b]}, I32: the token after each token
   * @param lossMask {@code [s, b]}, F32
   * @param samples what else is known of them
   */
  public record Inputs(Tensor tokens, Tensor targets, Tensor lossMask, Samples samples) {
    /** Returns the same tensors, whose samples have at most this number of documents. */
    public Inputs withMaxDocuments(int maxDocuments) {
      return new Inputs(tokens, targets, lossMask, samples.withMaxDocuments(maxDocuments));
    }
  }

  /** Returns tokens without targets, for logits: they allow neither a loss nor a backward. */
  public static Microbatch withoutTargets(Tensor tokens, MemoryScope scope) {
    Tensor none = tokens.rows(0, 0);
    return new Microbatch(
        new Inputs(tokens, none, none, Samples.NONE),
        none,
        none,
        Accumulate.OVERWRITE,
        ParameterListener.NONE,
        false,
        scope);
  }

  /** Returns the same micro-batch with other memory, for temporaries and recomputation. */
  public Microbatch withScope(MemoryScope otherScope) {
    return new Microbatch(inputs, lossSums, gradScale, weights, listener, training, otherScope);
  }

  private Microbatch withWeights(WeightGradients otherWeights) {
    return new Microbatch(inputs, lossSums, gradScale, otherWeights, listener, training, scope);
  }

  /**
   * Returns the same micro-batch for a backward in two halves. The first leaves the gradients of
   * weights to {@link #finishSplit}. Until then, what layers have saved and the gradients of their
   * outputs stay where they are.
   */
  public Microbatch split() {
    return withWeights(weights.split());
  }

  /** Returns the same micro-batch for layers whose operands don't stay until the second half. */
  public Microbatch unsplit() {
    return withWeights(WeightGradients.atOnce(weightGrads()));
  }

  /** Returns whether gradients of weights wait for the second half of the backward. */
  public boolean isSplit() {
    return weights.isSplit();
  }

  /**
   * Does work on gradients of weights now, or in the second half of the backward.
   *
   * @param work takes the micro-batch whose memory it may use for temporaries
   */
  public void forWeights(Consumer<Microbatch> work) {
    weights.add(work, this);
  }

  /** Runs the second half of the backward. */
  public void finishSplit() {
    weights.finish(this);
  }

  /**
   * Returns whether gradients of weights are added to what is there, or begin here: the first
   * micro-batch of an iteration overwrites them, so that nothing has to be zeroed.
   */
  public Accumulate weightGrads() {
    return weights.accumulate();
  }

  /** Zeroes a gradient that begins here, for operations that can only add to it. */
  void begin(Tensor weightGrad, Kernels kernels) {
    if (weightGrads() == Accumulate.OVERWRITE) {
      kernels.elementwise().fill(weightGrad, 0);
    }
  }

  /** Returns whether it is the first of an iteration or of an evaluation: weights may be new. */
  public boolean isFirst() {
    return weightGrads() == Accumulate.OVERWRITE;
  }

  public Tensor tokens() {
    return inputs.tokens();
  }

  public Tensor targets() {
    return inputs.targets();
  }

  public Tensor lossMask() {
    return inputs.lossMask();
  }

  public Samples samples() {
    return inputs.samples();
  }

  public int seqLength() {
    return Math.toIntExact(tokens().dim(0));
  }

  public int batchSize() {
    return Math.toIntExact(tokens().dim(1));
  }
}
