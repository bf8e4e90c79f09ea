package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.AttentionViews.swapped;
import static io.tanuki4j.backend.cuda.CudnnGraph.F32;

import io.tanuki4j.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.global.cudnn;
import org.jspecify.annotations.Nullable;

/**
 * Attention as graphs that cuDNN recognizes and runs as flash attention. Queries, keys and values
 * are views into packed tensors, so nothing is copied. The order of the operations follows cuDNN's
 * documented attention subgraphs.
 *
 * <p>Documents are batch entries that lie one after another (cuDNN's ragged tensors). Their lengths
 * and offsets are numbers on the GPU, so that a recorded graph serves any documents.
 *
 * @param graph the operations
 * @param inputs the real tensors in the order of the addresses that a run takes
 */
record AttentionGraph(CudnnGraph graph, List<CudnnTensor> inputs) implements AutoCloseable {

  /**
   * Builds the forward, of sixteen bits. Addresses: q, k, v, out, logSumExp; with documents those
   * of {@link Packing}.
   */
  static AttentionGraph forward(AttentionForm form, DType dtype) {
    return new Forward(form, dtype).build();
  }

  /**
   * Builds the backward. Addresses: q, k, v, out, dOut, logSumExp, dQ, dK, dV, row sums (fp32,
   * {@code [b, n, q]}). With documents and grouped queries, dV and dK of each query head follow
   * (laid out as dK, with more heads). Unless deterministic, a sum of dQ follows (fp32, {@code [b,
   * n, q, d]}; with documents laid out as dQ), to which blocks add in any order. At the end those
   * that the forward has there.
   */
  static AttentionGraph backward(AttentionForm form, DType dtype, boolean deterministic) {
    return new Backward(form, dtype, deterministic).build();
  }

  @Override
  public void close() {
    graph.close();
  }

  /**
   * Where the documents of a sequence lie. Addresses: lengths (I32), then offsets (I64, one more
   * than there are documents) into packed projections, outputs and rows.
   */
  private record Packing(
      CudnnTensor lengths, CudnnTensor tokens, CudnnTensor outs, CudnnTensor rows) {
    static Packing of(CudnnGraph g, long numDocuments) {
      return new Packing(
          g.integers(CudnnGraph.I32, numDocuments),
          g.integers(CudnnGraph.I64, numDocuments + 1),
          g.integers(CudnnGraph.I64, numDocuments + 1),
          g.integers(CudnnGraph.I64, numDocuments + 1));
    }

    List<CudnnTensor> addresses() {
      return List.of(lengths, tokens, outs, rows);
    }
  }

  /** What both directions have in common. */
  private abstract static class Builder {
    final CudnnGraph g = new CudnnGraph();
    final AttentionForm form;
    final int type;
    final AttentionViews views;
    final CudnnTensor scale;
    final List<CudnnTensor> inputs = new ArrayList<>();
    final @Nullable Packing packing;

    Builder(AttentionForm form, DType dtype) {
      this.form = form;
      type = CudnnGraph.type(dtype);
      views = new AttentionViews(form);
      scale = g.scalar(form.scale());
      packing = form.hasDocuments() ? Packing.of(g, views.b()) : null;
    }

    AttentionGraph done() {
      if (packing != null) {
        inputs.addAll(packing.addresses());
      }
      return new AttentionGraph(g, List.copyOf(inputs));
    }

    CudnnTensor projected(long[] dims, long[] strides) {
      return projected(type, dims, strides);
    }

    CudnnTensor projected(int elements, long[] dims, long[] strides) {
      return real(elements, dims, strides, packing == null ? null : packing.tokens());
    }

    CudnnTensor output() {
      return real(type, views.heads(), views.outStrides(), packing == null ? null : packing.outs());
    }

    CudnnTensor rows() {
      return real(F32, views.rows(), views.rowStrides(), packing == null ? null : packing.rows());
    }

    private CudnnTensor real(
        int elements, long[] dims, long[] strides, @Nullable CudnnTensor offsets) {
      return offsets == null
          ? g.real(elements, dims, strides)
          : g.ragged(elements, dims, strides, offsets);
    }

    CudnnTensor virtualRows() {
      return g.virtual(F32, views.rows(), views.rowStrides());
    }

    /** Multiplies queries, or gradients of outputs, by keys or values: a score for each pair. */
    CudnnTensor scores(CudnnTensor left, CudnnTensor right) {
      CudnnTensor out = g.virtual(F32, views.scores(), views.scoreStrides());
      return multiply(left, right, out, cudnn.CUDNN_ATTR_OPERATION_MATMUL_GEMM_N_OVERRIDE_DESC);
    }

    /** Multiplies a weight for each pair by one of its two sides, and sums over that. */
    void sum(CudnnTensor weights, CudnnTensor side, CudnnTensor out) {
      multiply(weights, side, out, cudnn.CUDNN_ATTR_OPERATION_MATMUL_GEMM_K_OVERRIDE_DESC);
    }

    private CudnnTensor multiply(CudnnTensor a, CudnnTensor b, CudnnTensor out, int dim) {
      return packing == null ? g.matmul(a, b, out) : g.matmul(a, b, out, packing.lengths(), dim);
    }

    CudnnTensor scaled(CudnnTensor scores) {
      return g.map(cudnn.CUDNN_POINTWISE_MUL, scores, scale);
    }

    CudnnTensor withinDocuments(CudnnTensor scores) {
      return packing == null ? scores : g.within(scores, packing.lengths());
    }

    CudnnTensor causal(CudnnTensor scores) {
      return form.causal() ? g.causal(scores) : scores;
    }
  }

  private static final class Forward extends Builder {
    Forward(AttentionForm form, DType dtype) {
      super(form, dtype);
    }

    AttentionGraph build() {
      CudnnTensor q = projected(views.heads(), views.queryStrides());
      CudnnTensor k = projected(swapped(views.groups()), swapped(views.keyStrides()));
      CudnnTensor v = projected(views.groups(), views.keyStrides());
      CudnnTensor out = output();
      CudnnTensor logSumExp = rows();
      inputs.addAll(List.of(q, k, v, out, logSumExp));
      CudnnTensor scores = causal(withinDocuments(scaled(scores(q, k))));
      CudnnTensor max = virtualRows();
      g.reduce(cudnn.CUDNN_REDUCE_TENSOR_MAX, scores, max);
      CudnnTensor shifted = g.map(cudnn.CUDNN_POINTWISE_SUB, scores, max);
      CudnnTensor weights = g.map(cudnn.CUDNN_POINTWISE_EXP, shifted);
      CudnnTensor sum = virtualRows();
      g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, weights, sum);
      g.map(cudnn.CUDNN_POINTWISE_ADD, max, g.map(cudnn.CUDNN_POINTWISE_LOG, sum), logSumExp);
      CudnnTensor p = g.virtual(type, views.scores(), views.scoreStrides());
      g.map(cudnn.CUDNN_POINTWISE_DIV, weights, sum, p);
      sum(p, v, out);
      return done();
    }
  }

  /** The backward in steps; the names are those of FlashAttention's derivation. */
  private static final class Backward extends Builder {
    private final boolean deterministic;
    private final CudnnTensor q;
    private final CudnnTensor k;
    private final CudnnTensor v;
    private final CudnnTensor out;
    private final CudnnTensor dOut;
    private final CudnnTensor logSumExp;
    private final CudnnTensor dQ;
    private final CudnnTensor dK;
    private final CudnnTensor dV;

    Backward(AttentionForm form, DType dtype, boolean deterministic) {
      super(form, dtype);
      this.deterministic = deterministic;
      q = projected(views.heads(), views.queryStrides());
      k = projected(swapped(views.groups()), swapped(views.keyStrides()));
      v = projected(swapped(views.groups()), swapped(views.keyStrides()));
      out = output();
      dOut = output();
      logSumExp = rows();
      dQ = projected(views.heads(), views.queryGradStrides());
      dK = projected(views.groups(), views.keyStrides());
      dV = projected(views.groups(), views.keyStrides());
    }

    AttentionGraph build() {
      inputs.addAll(List.of(q, k, v, out, dOut, logSumExp, dQ, dK, dV));
      CudnnTensor rowSums = rowSums();
      inputs.add(rowSums);
      CudnnTensor p = probabilities();
      addOverHeads(p, dOut, dV);
      CudnnTensor dScores = dScores(p, rowSums);
      addOverHeads(dScores, q, dK);
      CudnnTensor keys = g.reshape(k, keys());
      if (deterministic) {
        sum(dScores, keys, dQ);
      } else {
        CudnnTensor total =
            projected(
                F32,
                views.heads(),
                packing == null ? views.headStrides() : views.queryGradStrides());
        inputs.add(total);
        sum(dScores, keys, total);
        g.map(cudnn.CUDNN_POINTWISE_IDENTITY, total, null, dQ);
      }
      return done();
    }

    private CudnnTensor keys() {
      return packing == null
          ? g.virtual(F32, views.groups(), views.keyStrides())
          : g.virtualRagged(F32, views.groups(), views.keyStrides(), packing.tokens());
    }

    /** Sums dOut · out over each row. */
    private CudnnTensor rowSums() {
      CudnnTensor products = g.virtual(F32, views.heads(), views.queryMajorStrides());
      g.map(cudnn.CUDNN_POINTWISE_MUL, dOut, out, products);
      CudnnTensor sums = virtualRows();
      g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, products, sums);
      return g.map(cudnn.CUDNN_POINTWISE_MUL, sums, g.scalar(1), rows());
    }

    private CudnnTensor probabilities() {
      CudnnTensor scores = withinDocuments(scaled(scores(q, k)));
      scores = g.map(cudnn.CUDNN_POINTWISE_SUB, scores, logSumExp);
      return g.map(cudnn.CUDNN_POINTWISE_EXP, causal(scores));
    }

    private CudnnTensor dScores(CudnnTensor p, CudnnTensor rowSums) {
      CudnnTensor dP = g.map(cudnn.CUDNN_POINTWISE_SUB, scores(dOut, v), rowSums);
      return scaled(g.map(cudnn.CUDNN_POINTWISE_MUL, dP, p));
    }

    /** Computes {@code into = weightsᵀ · x}, summed over the query heads of a group. */
    private void addOverHeads(CudnnTensor weights, CudnnTensor x, CudnnTensor into) {
      CudnnTensor transposed =
          g.virtual(type, views.transposedScores(), views.transposedScoreStrides());
      g.reshape(weights, transposed);
      if (form.headsPerGroup() == 1) {
        sum(transposed, x, into);
        return;
      }
      CudnnTensor perHead = perHead();
      sum(transposed, x, perHead);
      g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, perHead, into);
    }

    private CudnnTensor perHead() {
      if (packing == null) {
        return g.virtual(type, views.keysOfHeads(), views.keysOfHeadsStrides());
      }
      CudnnTensor perHead = projected(views.keysOfHeads(), views.keysOfHeadsStrides());
      inputs.add(perHead);
      return perHead;
    }
  }
}
