package io.tanuki4j.nn;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.stream.Stream;

/**
 * Norms over each head's query and each group's key, before the rotation (Henry et al., 2020;
 * Dehghani et al., 2023). All heads share a norm's parameters.
 */
public final class QueryKeyNorm {
  private final ElementwiseKernels kernels;
  private final Norm queryNorm;
  private final Norm keyNorm;

  /**
   * @param queryNorm over d elements
   * @param keyNorm over d elements
   */
  public QueryKeyNorm(ElementwiseKernels kernels, Norm queryNorm, Norm keyNorm) {
    this.kernels = kernels;
    this.queryNorm = queryNorm;
    this.keyNorm = keyNorm;
  }

  /**
   * @param queries {@code [t·n, d]} before the norm
   * @param keys {@code [t·g, d]} before the norm
   */
  public record Saved(Norm.Saved queries, Norm.Saved keys) {}

  /** Columns of the packed projection that a norm works on. */
  private record Heads(int first, int count, int headDim) {
    static Heads queries(AttentionShape shape) {
      return new Heads(0, shape.numHeads(), shape.headDim());
    }

    static Heads keys(AttentionShape shape) {
      return new Heads(shape.outSize(), shape.numQueryGroups(), shape.headDim());
    }

    int width() {
      return count * headDim;
    }
  }

  /** Normalises queries and keys of a packed projection {@code [s, b, (n + 2g)·d]} in place. */
  public Saved forward(Tensor qkv, AttentionShape shape, Microbatch microbatch) {
    return new Saved(
        normalize(queryNorm, qkv, Heads.queries(shape), microbatch),
        normalize(keyNorm, qkv, Heads.keys(shape), microbatch));
  }

  private Norm.Saved normalize(Norm norm, Tensor qkv, Heads heads, Microbatch microbatch) {
    Tensor x = copy(qkv, heads, microbatch.scope());
    Norm.Normed normed = norm.of(x, microbatch);
    try (MemoryScope scratch = microbatch.scope().child("normalised heads")) {
      putBack(qkv, heads, normed.write(scratch));
    }
    return normed.saved();
  }

  /** Replaces the gradient of the normalised queries and keys in dQkv by that of their inputs. */
  public void backward(Tensor dQkv, Saved saved, AttentionShape shape, Microbatch microbatch) {
    backward(queryNorm, dQkv, saved.queries(), Heads.queries(shape), microbatch);
    backward(keyNorm, dQkv, saved.keys(), Heads.keys(shape), microbatch);
  }

  private void backward(
      Norm norm, Tensor dQkv, Norm.Saved saved, Heads heads, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("gradient of heads")) {
      Tensor dOut = copy(dQkv, heads, scratch);
      Tensor dx = scratch.allocate(dOut.shape(), dOut.dtype());
      norm.backward(dx, saved, dOut, microbatch);
      putBack(dQkv, heads, dx);
    }
  }

  /** Returns heads as rows of their own. */
  private Tensor copy(Tensor packed, Heads heads, MemoryScope scope) {
    long numTokens = packed.numElements() / packed.dim(-1);
    Tensor out = scope.allocate(Shape.of(numTokens, heads.width()), packed.dtype());
    kernels.copyColumns(out, 0, packed, heads.first(), heads.width(), Accumulate.OVERWRITE);
    return out.reshape(Shape.of(numTokens * heads.count(), heads.headDim()));
  }

  private void putBack(Tensor packed, Heads heads, Tensor rows) {
    Tensor wide = rows.reshape(Shape.of(packed.numElements() / packed.dim(-1), heads.width()));
    kernels.copyColumns(packed, heads.first(), wide, 0, heads.width(), Accumulate.OVERWRITE);
  }

  public List<Parameter> parameters() {
    return Stream.of(queryNorm, keyNorm).flatMap(norm -> norm.parameters().stream()).toList();
  }
}
