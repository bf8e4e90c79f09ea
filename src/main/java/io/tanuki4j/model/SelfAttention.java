package io.tanuki4j.model;

import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.Rope;
import io.tanuki4j.parallel.tensor.ColumnParallelLinear;
import io.tanuki4j.parallel.tensor.RowParallelLinear;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Projection to queries, keys and values, rotation, causal attention, projection back: {@code [s,
 * b, h]} to {@code [s, b, h]}. Tensor-parallel ranks have some of the heads each.
 */
final class SelfAttention implements Layer<SelfAttention.Saved> {
  private final ColumnParallelLinear qkvProjection;
  private final Rope rope;
  private final AttentionCore core;
  private final RowParallelLinear outProjection;
  private final boolean recomputeCore;

  /**
   * @param recomputeCore whether the core's output is computed again in the backward instead of
   *     being kept (selective recomputation: Korthikanti et al., 2022)
   */
  SelfAttention(
      ColumnParallelLinear qkvProjection,
      Rope rope,
      AttentionCore core,
      RowParallelLinear outProjection,
      boolean recomputeCore) {
    this.qkvProjection = qkvProjection;
    this.rope = rope;
    this.core = core;
    this.outProjection = outProjection;
    this.recomputeCore = recomputeCore;
  }

  /**
   * @param x the input
   * @param qkv the rotated projection, {@code [s, b, (n + 2g)·d]}
   * @param core null if it is to be computed again
   */
  record Saved(Tensor x, Tensor qkv, AttentionCore.@Nullable Saved core) {}

  @Override
  public Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
    AttentionShape shape = core.shape(microbatch);
    Tensor qkv = allocate(shape.qkvSize(), x.dtype(), microbatch);
    qkvProjection.forward(qkv, x, microbatch);
    rope.forward(qkv, shape);
    if (!recomputeCore) {
      AttentionCore.Saved saved = attend(qkv, microbatch);
      outProjection.forward(out, saved.out(), microbatch);
      return new Saved(x, qkv, saved);
    }
    try (MemoryScope scratch = microbatch.scope().child("attention not kept")) {
      Microbatch temporary = microbatch.withScope(scratch);
      outProjection.forward(out, attend(qkv, temporary).out(), temporary);
    }
    return new Saved(x, qkv, null);
  }

  @Override
  public void backward(Tensor dx, Saved saved, Tensor dOut, Microbatch microbatch) {
    AttentionShape shape = core.shape(microbatch);
    try (MemoryScope scratch = microbatch.scope().child("attention backward")) {
      Microbatch temporary = microbatch.withScope(scratch);
      AttentionCore.Saved kept = saved.core();
      AttentionCore.Saved attention = kept == null ? attend(saved.qkv(), temporary) : kept;

      Tensor dAttended = allocate(shape.outSize(), dOut.dtype(), temporary);
      Tensor dQkv = allocate(shape.qkvSize(), dOut.dtype(), temporary);
      outProjection.backward(dAttended, attention.out(), dOut, temporary);
      core.backward(dQkv, attention, dAttended, temporary);
      rope.backward(dQkv, shape);
      qkvProjection.backward(dx, saved.x(), dQkv, temporary);
    }
  }

  @Override
  public List<Parameter> parameters() {
    return Stream.of(qkvProjection, outProjection)
        .flatMap(layer -> layer.parameters().stream())
        .toList();
  }

  private AttentionCore.Saved attend(Tensor qkv, Microbatch microbatch) {
    int width = core.shape(microbatch).outSize();
    Tensor out = allocate(width, qkv.dtype(), microbatch);
    return core.forward(out, qkv, microbatch);
  }

  private static Tensor allocate(long width, DType dtype, Microbatch microbatch) {
    Shape shape = Shape.of(microbatch.seqLength(), microbatch.batchSize(), width);
    return microbatch.scope().allocate(shape, dtype);
  }
}
