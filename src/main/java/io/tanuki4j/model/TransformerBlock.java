package io.tanuki4j.model;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Factor;
import io.tanuki4j.nn.HiddenDropout;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Norm;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * One layer of a decoder (pre-norm): {@code r = x + attention(norm(x))}, {@code out = r +
 * mlp(norm(r))}, all {@code [s, b, h]}. In training, both branches may go through a dropout.
 */
final class TransformerBlock implements Layer<TransformerBlock.Saved> {
  private final Kernels kernels;
  private final Norm attentionNorm;
  private final SelfAttention attention;
  private final Norm mlpNorm;
  private final Mlp mlp;
  private final HiddenDropout attentionDropout;
  private final HiddenDropout mlpDropout;

  /**
   * @param attentionDropout of what attention adds to the residual stream
   * @param mlpDropout of what the MLP adds
   */
  TransformerBlock(
      Kernels kernels,
      Norm attentionNorm,
      SelfAttention attention,
      Norm mlpNorm,
      Mlp mlp,
      HiddenDropout attentionDropout,
      HiddenDropout mlpDropout) {
    this.kernels = kernels;
    this.attentionNorm = attentionNorm;
    this.attention = attention;
    this.mlpNorm = mlpNorm;
    this.mlp = mlp;
    this.attentionDropout = attentionDropout;
    this.mlpDropout = mlpDropout;
  }

  /** What the layer's parts saved. */
  record Saved(
      Norm.Saved attentionNorm, SelfAttention.Saved attention, Norm.Saved mlpNorm, Mlp.Saved mlp) {}

  /** Runs the layer. If no backward follows, out may be x itself. */
  @Override
  public Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
    Tensor residual = allocateLike(x, microbatch);
    Norm.Normed normed = attentionNorm.of(x, microbatch);
    SelfAttention.Saved attentionSaved = attention.forward(residual, normed, microbatch);
    attentionDropout.apply(residual, microbatch);

    Norm.Normed normedAgain = mlpNorm.ofSum(residual, x, residual, microbatch);
    Mlp.Saved mlpSaved = mlp.forward(out, normedAgain, microbatch);
    mlpDropout.apply(out, microbatch);
    kernels.elementwise().add(out, residual, out);
    return new Saved(normed.saved(), attentionSaved, normedAgain.saved(), mlpSaved);
  }

  /**
   * Adds each branch's own part to what flows past it. The gradient of the residual stream takes
   * the place of its values, and dOut stays; but dx may be the input or dOut itself.
   */
  @Override
  public void backward(Tensor dx, Saved saved, Tensor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("block backward")) {
      Tensor dNormed = scratch.allocate(dx.shape(), dx.dtype());
      Microbatch temporary = microbatch.withScope(scratch);
      Tensor dMlp = mlpDropout.backward(dOut, temporary);
      mlp.backward(dNormed, saved.mlp(), factor(dMlp), ofBranch(dMlp, dOut, temporary));
      Tensor dResidual = saved.mlpNorm().x();
      mlpNorm.addBackward(dResidual, saved.mlpNorm(), dNormed, dOut, temporary);
      Tensor dAttention = attentionDropout.backward(dResidual, temporary);
      attention.backward(
          dNormed,
          saved.attention(),
          factor(dAttention),
          ofBranch(dAttention, dResidual, temporary));
      attentionNorm.addBackward(dx, saved.attentionNorm(), dNormed, dResidual, temporary);
    }
  }

  private Factor factor(Tensor gradient) {
    return Factor.of(gradient, kernels.fp8());
  }

  /** Returns the micro-batch of a branch: a gradient with dropped elements does not stay. */
  private static Microbatch ofBranch(Tensor dropped, Tensor dOut, Microbatch microbatch) {
    return dropped == dOut ? microbatch : microbatch.unsplit();
  }

  @Override
  public List<Parameter> parameters() {
    return Stream.of(
            attentionNorm.parameters(),
            attention.parameters(),
            mlpNorm.parameters(),
            mlp.parameters())
        .flatMap(List::stream)
        .toList();
  }

  private static Tensor allocateLike(Tensor x, Microbatch microbatch) {
    return microbatch.scope().allocate(x.shape(), x.dtype());
  }
}
