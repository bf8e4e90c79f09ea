package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudnnGraph.F32;

import io.tanuki4j.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.global.cudnn;

/**
 * Attention as graphs that cuDNN recognizes and runs as flash attention. Queries, keys and values
 * are views into packed tensors, so nothing is copied. The order of the operations follows cuDNN's
 * documented attention subgraphs.
 *
 * @param graph the operations
 * @param inputs the real tensors in the order of the addresses that a run takes
 */
record AttentionGraph(CudnnGraph graph, List<CudnnTensor> inputs) implements AutoCloseable {

  /** Builds the forward, of sixteen bits. Addresses: q, k, v, out, logSumExp. */
  static AttentionGraph forward(AttentionForm form, DType dtype) {
    CudnnGraph g = new CudnnGraph();
    int type = CudnnGraph.type(dtype);
    Views views = new Views(form);
    CudnnTensor q = g.real(type, views.heads(), views.queryStrides());
    CudnnTensor k = g.real(type, swapped(views.groups()), swapped(views.keyStrides()));
    CudnnTensor v = g.real(type, views.groups(), views.keyStrides());
    CudnnTensor out = g.real(type, views.heads(), views.outStrides());
    CudnnTensor logSumExp = g.real(F32, views.rows(), views.rowStrides());

    CudnnTensor scores = g.matmul(q, k, g.virtual(F32, views.scores(), views.scoreStrides()));
    scores = g.map(cudnn.CUDNN_POINTWISE_MUL, scores, g.scalar(form.scale()));
    scores = form.causal() ? g.causal(scores) : scores;
    CudnnTensor max = g.virtual(F32, views.rows(), views.rowStrides());
    g.reduce(cudnn.CUDNN_REDUCE_TENSOR_MAX, scores, max);
    CudnnTensor shifted = g.map(cudnn.CUDNN_POINTWISE_SUB, scores, max);
    CudnnTensor weights = g.map(cudnn.CUDNN_POINTWISE_EXP, shifted);
    CudnnTensor sum = g.virtual(F32, views.rows(), views.rowStrides());
    g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, weights, sum);
    g.map(cudnn.CUDNN_POINTWISE_ADD, max, g.map(cudnn.CUDNN_POINTWISE_LOG, sum), logSumExp);
    CudnnTensor p = g.virtual(type, views.scores(), views.scoreStrides());
    g.map(cudnn.CUDNN_POINTWISE_DIV, weights, sum, p);
    g.matmul(p, v, out);
    return new AttentionGraph(g, List.of(q, k, v, out, logSumExp));
  }

  /**
   * Builds the backward. Addresses: q, k, v, out, dOut, logSumExp, dQ, dK, dV, row sums (fp32,
   * {@code [b, n, q]}). Unless deterministic, a sum of dQ follows (fp32, {@code [b, n, q, d]}), to
   * which blocks add in any order.
   */
  static AttentionGraph backward(AttentionForm form, DType dtype, boolean deterministic) {
    return new Backward(form, dtype, deterministic).build();
  }

  @Override
  public void close() {
    graph.close();
  }

  private static long[] swapped(long[] dims) {
    return new long[] {dims[0], dims[1], dims[3], dims[2]};
  }

  /** The dims and strides of the views: batch, heads, queries or keys, head dim. */
  private record Views(AttentionForm form) {
    long b() {
      return form.queries().batchSize();
    }

    long n() {
      return form.queries().numHeads();
    }

    long d() {
      return form.queries().headDim();
    }

    long q() {
      return form.numQueries();
    }

    long k() {
      return form.numKeys();
    }

    long[] heads() {
      return new long[] {b(), n(), q(), d()};
    }

    /** Returns the view of keys or values. */
    long[] groups() {
      return new long[] {b(), form.queries().numQueryGroups(), k(), d()};
    }

    /** Returns the view of gradients of keys or values, for each query head. */
    long[] keysOfHeads() {
      return new long[] {b(), n(), k(), d()};
    }

    long[] rows() {
      return new long[] {b(), n(), q(), 1};
    }

    long[] scores() {
      return new long[] {b(), n(), q(), k()};
    }

    long[] transposedScores() {
      return swapped(scores());
    }

    long[] queryStrides() {
      return packed(form.queryWidth());
    }

    long[] queryGradStrides() {
      return packed(form.queryGradWidth());
    }

    long[] keyStrides() {
      return packed(form.keyWidth());
    }

    long[] outStrides() {
      return packed(form.queries().outSize());
    }

    private long[] packed(long width) {
      return new long[] {width, d(), b() * width, 1};
    }

    long[] headStrides() {
      return new long[] {n() * q() * d(), q() * d(), d(), 1};
    }

    long[] keysOfHeadsStrides() {
      return new long[] {n() * k() * d(), k() * d(), d(), 1};
    }

    long[] rowStrides() {
      return new long[] {n() * q(), q(), 1, 1};
    }

    long[] scoreStrides() {
      return new long[] {n() * q() * k(), q() * k(), k(), 1};
    }

    long[] transposedScoreStrides() {
      return swapped(scoreStrides());
    }
  }

  /** The backward in steps; the names are those of FlashAttention's derivation. */
  private static final class Backward {
    private final CudnnGraph g = new CudnnGraph();
    private final Views views;
    private final int type;
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
    private final CudnnTensor scale;

    Backward(AttentionForm form, DType dtype, boolean deterministic) {
      this.views = new Views(form);
      this.type = CudnnGraph.type(dtype);
      this.deterministic = deterministic;
      q = g.real(type, views.heads(), views.queryStrides());
      k = g.real(type, swapped(views.groups()), swapped(views.keyStrides()));
      v = g.real(type, swapped(views.groups()), swapped(views.keyStrides()));
      out = g.real(type, views.heads(), views.outStrides());
      dOut = g.real(type, views.heads(), views.outStrides());
      logSumExp = g.real(F32, views.rows(), views.rowStrides());
      dQ = g.real(type, views.heads(), views.queryGradStrides());
      dK = g.real(type, views.groups(), views.keyStrides());
      dV = g.real(type, views.groups(), views.keyStrides());
      scale = g.scalar(form.scale());
    }

    AttentionGraph build() {
      List<CudnnTensor> inputs =
          new ArrayList<>(List.of(q, k, v, out, dOut, logSumExp, dQ, dK, dV));
      CudnnTensor rowSums = rowSums();
      inputs.add(rowSums);
      CudnnTensor p = probabilities();
      addOverHeads(p, dOut, dV);
      CudnnTensor dScores = dScores(p, rowSums);
      addOverHeads(dScores, q, dK);
      CudnnTensor keys = g.reshape(k, g.virtual(F32, views.groups(), views.keyStrides()));
      if (deterministic) {
        g.matmul(dScores, keys, dQ);
      } else {
        CudnnTensor sum = g.real(F32, views.heads(), views.headStrides());
        inputs.add(sum);
        g.matmul(dScores, keys, sum);
        g.map(cudnn.CUDNN_POINTWISE_IDENTITY, sum, null, dQ);
      }
      return new AttentionGraph(g, List.copyOf(inputs));
    }

    /** Sums dOut · out over each row. */
    private CudnnTensor rowSums() {
      long[] strides = {
        views.n() * views.q() * views.d(), views.q() * views.d(), views.n() * views.d(), 1
      };
      CudnnTensor products = g.virtual(F32, views.heads(), strides);
      g.map(cudnn.CUDNN_POINTWISE_MUL, dOut, out, products);
      CudnnTensor sums = g.virtual(F32, views.rows(), views.rowStrides());
      g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, products, sums);
      CudnnTensor kept = g.real(F32, views.rows(), views.rowStrides());
      return g.map(cudnn.CUDNN_POINTWISE_MUL, sums, g.scalar(1), kept);
    }

    private CudnnTensor probabilities() {
      CudnnTensor scores = g.matmul(q, k, g.virtual(F32, views.scores(), views.scoreStrides()));
      scores = g.map(cudnn.CUDNN_POINTWISE_MUL, scores, scale);
      scores = g.map(cudnn.CUDNN_POINTWISE_SUB, scores, logSumExp);
      scores = views.form().causal() ? g.causal(scores) : scores;
      return g.map(cudnn.CUDNN_POINTWISE_EXP, scores);
    }

    private CudnnTensor dScores(CudnnTensor p, CudnnTensor rowSums) {
      CudnnTensor dP = g.matmul(dOut, v, g.virtual(F32, views.scores(), views.scoreStrides()));
      dP = g.map(cudnn.CUDNN_POINTWISE_SUB, dP, rowSums);
      dP = g.map(cudnn.CUDNN_POINTWISE_MUL, dP, p);
      return g.map(cudnn.CUDNN_POINTWISE_MUL, dP, scale);
    }

    /** Computes {@code into = weightsᵀ · x}, summed over the query heads of a group. */
    private void addOverHeads(CudnnTensor weights, CudnnTensor x, CudnnTensor into) {
      CudnnTensor transposed =
          g.virtual(type, views.transposedScores(), views.transposedScoreStrides());
      g.reshape(weights, transposed);
      if (views.n() == views.form().queries().numQueryGroups()) {
        g.matmul(transposed, x, into);
        return;
      }
      CudnnTensor perHead = g.virtual(type, views.keysOfHeads(), views.keysOfHeadsStrides());
      g.matmul(transposed, x, perHead);
      g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, perHead, into);
    }
  }
}
