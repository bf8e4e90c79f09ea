package io.tanuki4j.model;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.nn.Factor;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.Projection;
import io.tanuki4j.nn.Projection.SavedInput;
import io.tanuki4j.nn.QueryKeyNorm;
import io.tanuki4j.nn.Rope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Projection to queries, keys and values, perhaps their norms and rotation, causal attention,
 * projection back: {@code [s, b, h]} to {@code [s, b, h]}. Each tensor-parallel rank has some of
 * the heads.
 */
final class SelfAttention {
  private final Kernels kernels;
  private final Projection qkvProjection;
  private final @Nullable QueryKeyNorm norm;
  private final @Nullable Rope rope;
  private final AttentionCore core;
  private final Projection outProjection;
  private final boolean recomputeCore;

  /**
   * @param norm of queries and keys; null for none
   * @param rope null if positions are not rotations
   * @param recomputeCore whether the core's output is computed again in the backward instead of
   *     being kept (selective recomputation: Korthikanti et al., 2022)
   */
  SelfAttention(
      Kernels kernels,
      Projection qkvProjection,
      @Nullable QueryKeyNorm norm,
      @Nullable Rope rope,
      AttentionCore core,
      Projection outProjection,
      boolean recomputeCore) {
    this.kernels = kernels;
    this.qkvProjection = qkvProjection;
    this.norm = norm;
    this.rope = rope;
    this.core = core;
    this.outProjection = outProjection;
    this.recomputeCore = recomputeCore;
  }

  /**
   * @param x the input
   * @param normed null without norms of queries and keys
   * @param qkv the normalised and rotated projection, {@code [s, b, (n + 2g)·d]}
   * @param attended null if it is to be recomputed
   */
  record Saved(
      SavedInput x, QueryKeyNorm.@Nullable Saved normed, Tensor qkv, @Nullable Attended attended) {}

  /**
   * @param out the core's output as the projection back saves it
   */
  record Attended(AttentionCore.Saved core, SavedInput out) {}

  Saved forward(Tensor out, Factor x, Microbatch microbatch) {
    AttentionShape shape = core.shape(microbatch);
    Tensor qkv = allocate(shape.qkvSize(), x.dtype(), microbatch);
    SavedInput savedX = qkvProjection.forward(qkv, x, microbatch);
    QueryKeyNorm.Saved normed = norm == null ? null : norm.forward(qkv, shape, microbatch);
    if (rope != null) {
      rope.forward(qkv, shape, microbatch.samples());
    }
    if (!recomputeCore) {
      AttentionCore.Saved saved = attend(qkv, microbatch);
      SavedInput savedOut = outProjection.forward(out, factor(saved.out()), microbatch);
      return new Saved(savedX, normed, qkv, new Attended(saved, savedOut));
    }
    try (MemoryScope scratch = microbatch.scope().child("attention not kept")) {
      Microbatch temporary = microbatch.withScope(scratch);
      outProjection.forward(out, factor(attend(qkv, temporary).out()), temporary);
    }
    return new Saved(savedX, normed, qkv, null);
  }

  void backward(Tensor dx, Saved saved, Factor dOut, Microbatch microbatch) {
    AttentionShape shape = core.shape(microbatch);
    try (MemoryScope scratch = microbatch.scope().child("attention backward")) {
      Microbatch temporary = microbatch.withScope(scratch);
      Attended kept = saved.attended();
      Attended attended = kept == null ? attendAgain(saved.qkv(), temporary) : kept;

      Tensor dAttended = allocate(shape.outSize(), dOut.dtype(), temporary);
      Tensor dQkv = allocate(shape.qkvSize(), dOut.dtype(), temporary);
      AttentionCore.Begun begun = core.beginBackward(attended.core(), temporary);
      Microbatch ofOut = kept == null ? temporary.unsplit() : temporary;
      outProjection.backward(dAttended, attended.out(), dOut, ofOut);
      begun.finish(dQkv, dAttended);
      if (rope != null) {
        rope.backward(dQkv, shape, microbatch.samples());
      }
      if (norm != null) {
        norm.backward(dQkv, requireNonNull(saved.normed()), shape, temporary);
      }
      qkvProjection.backward(dx, saved.x(), factor(staying(dQkv, saved, microbatch)), temporary);
    }
  }

  /** Puts the gradient in the place of the values if it is needed again in a second half. */
  private Tensor staying(Tensor dQkv, Saved saved, Microbatch microbatch) {
    if (!microbatch.isSplit()) {
      return dQkv;
    }
    kernels.elementwise().copy(saved.qkv(), dQkv);
    return saved.qkv();
  }

  List<Parameter> parameters() {
    return Stream.of(
            qkvProjection.parameters(),
            norm == null ? List.<Parameter>of() : norm.parameters(),
            outProjection.parameters())
        .flatMap(List::stream)
        .toList();
  }

  private Attended attendAgain(Tensor qkv, Microbatch microbatch) {
    AttentionCore.Saved saved = attend(qkv, microbatch);
    return new Attended(saved, outProjection.save(factor(saved.out()), microbatch));
  }

  private Factor factor(Tensor tensor) {
    return Factor.of(tensor, kernels.fp8());
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
