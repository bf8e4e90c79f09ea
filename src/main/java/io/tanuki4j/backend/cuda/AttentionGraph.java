package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudnnGraph.BF16;
import static io.tanuki4j.backend.cuda.CudnnGraph.F32;

import io.tanuki4j.kernel.AttentionShape;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.cuda.global.cudnn;

/**
 * Causal attention as graphs that cuDNN recognizes and runs as flash attention. Queries, keys and
 * values are views into the packed projection, so nothing is copied around it. The order of the
 * operations follows cuDNN's documented attention subgraphs.
 *
 * @param graph the operations
 * @param inputs the real tensors in the order of the addresses that a run takes
 */
record AttentionGraph(CudnnGraph graph, List<CudnnTensor> inputs) implements AutoCloseable {

  /** Addresses: q, k, v, out, logSumExp. */
  static AttentionGraph forward(AttentionShape shape) {
    CudnnGraph g = new CudnnGraph();
    Views views = new Views(shape);
    CudnnTensor q = g.real(BF16, views.heads(), views.qkvStrides());
    CudnnTensor k = g.real(BF16, swapped(views.groups()), swapped(views.qkvStrides()));
    CudnnTensor v = g.real(BF16, views.groups(), views.qkvStrides());
    CudnnTensor out = g.real(BF16, views.heads(), views.outStrides());
    CudnnTensor logSumExp = g.real(F32, views.rows(), views.rowStrides());

    CudnnTensor scores = g.matmul(q, k, g.virtual(F32, views.square(), views.squareStrides()));
    scores = g.map(cudnn.CUDNN_POINTWISE_MUL, scores, g.scalar(views.scale()));
    scores = g.causal(scores);
    CudnnTensor max = g.virtual(F32, views.rows(), views.rowStrides());
    g.reduce(cudnn.CUDNN_REDUCE_TENSOR_MAX, scores, max);
    CudnnTensor shifted = g.map(cudnn.CUDNN_POINTWISE_SUB, scores, max);
    CudnnTensor weights = g.map(cudnn.CUDNN_POINTWISE_EXP, shifted);
    CudnnTensor sum = g.virtual(F32, views.rows(), views.rowStrides());
    g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, weights, sum);
    g.map(cudnn.CUDNN_POINTWISE_ADD, max, g.map(cudnn.CUDNN_POINTWISE_LOG, sum), logSumExp);
    CudnnTensor p = g.virtual(BF16, views.square(), views.squareStrides());
    g.map(cudnn.CUDNN_POINTWISE_DIV, weights, sum, p);
    g.matmul(p, v, out);
    return new AttentionGraph(g, List.of(q, k, v, out, logSumExp));
  }

  /**
   * Addresses: q, k, v, out, dOut, logSumExp, dQ, dK, dV, row sums (fp32, {@code [b, n, s]}) and,
   * unless deterministic, a sum of dQ (fp32, {@code [b, n, s, d]}) that blocks add to as they come.
   */
  static AttentionGraph backward(AttentionShape shape, boolean deterministic) {
    return new Backward(shape, deterministic).build();
  }

  @Override
  public void close() {
    graph.close();
  }

  private static long[] swapped(long[] dims) {
    return new long[] {dims[0], dims[1], dims[3], dims[2]};
  }

  /** Dims and strides of the views: batch, heads, sequence, head dim. */
  private record Views(AttentionShape shape) {
    long b() {
      return shape.batchSize();
    }

    long s() {
      return shape.seqLength();
    }

    long n() {
      return shape.numHeads();
    }

    long d() {
      return shape.headDim();
    }

    float scale() {
      return (float) (1 / Math.sqrt(shape.headDim()));
    }

    long[] heads() {
      return new long[] {b(), n(), s(), d()};
    }

    long[] groups() {
      return new long[] {b(), shape.numQueryGroups(), s(), d()};
    }

    long[] rows() {
      return new long[] {b(), n(), s(), 1};
    }

    long[] square() {
      return new long[] {b(), n(), s(), s()};
    }

    long[] qkvStrides() {
      return new long[] {shape.qkvSize(), d(), b() * shape.qkvSize(), 1};
    }

    long[] outStrides() {
      return new long[] {shape.outSize(), d(), b() * shape.outSize(), 1};
    }

    long[] headStrides() {
      return new long[] {n() * s() * d(), s() * d(), d(), 1};
    }

    long[] rowStrides() {
      return new long[] {n() * s(), s(), 1, 1};
    }

    long[] squareStrides() {
      return new long[] {n() * s() * s(), s() * s(), s(), 1};
    }

    long[] transposedStrides() {
      return new long[] {n() * s() * s(), s() * s(), 1, s()};
    }
  }

  /** The backward in steps; the names are those of FlashAttention's derivation. */
  private static final class Backward {
    private final CudnnGraph g = new CudnnGraph();
    private final Views views;
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

    Backward(AttentionShape shape, boolean deterministic) {
      this.views = new Views(shape);
      this.deterministic = deterministic;
      q = g.real(BF16, views.heads(), views.qkvStrides());
      k = g.real(BF16, swapped(views.groups()), swapped(views.qkvStrides()));
      v = g.real(BF16, swapped(views.groups()), swapped(views.qkvStrides()));
      out = g.real(BF16, views.heads(), views.outStrides());
      dOut = g.real(BF16, views.heads(), views.outStrides());
      logSumExp = g.real(F32, views.rows(), views.rowStrides());
      dQ = g.real(BF16, views.heads(), views.qkvStrides());
      dK = g.real(BF16, views.groups(), views.qkvStrides());
      dV = g.real(BF16, views.groups(), views.qkvStrides());
      scale = g.scalar(views.scale());
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
      CudnnTensor keys = g.reshape(k, g.virtual(F32, views.groups(), views.qkvStrides()));
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

    /** The sum of dOut · out over each row. */
    private CudnnTensor rowSums() {
      long[] strides = {
        views.n() * views.s() * views.d(), views.s() * views.d(), views.n() * views.d(), 1
      };
      CudnnTensor products = g.virtual(F32, views.heads(), strides);
      g.map(cudnn.CUDNN_POINTWISE_MUL, dOut, out, products);
      CudnnTensor sums = g.virtual(F32, views.rows(), views.rowStrides());
      g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, products, sums);
      CudnnTensor kept = g.real(F32, views.rows(), views.rowStrides());
      return g.map(cudnn.CUDNN_POINTWISE_MUL, sums, g.scalar(1), kept);
    }

    private CudnnTensor probabilities() {
      CudnnTensor scores = g.matmul(q, k, g.virtual(F32, views.square(), views.squareStrides()));
      scores = g.map(cudnn.CUDNN_POINTWISE_MUL, scores, scale);
      scores = g.map(cudnn.CUDNN_POINTWISE_SUB, scores, logSumExp);
      return g.map(cudnn.CUDNN_POINTWISE_EXP, g.causal(scores));
    }

    private CudnnTensor dScores(CudnnTensor p, CudnnTensor rowSums) {
      CudnnTensor dP = g.matmul(dOut, v, g.virtual(F32, views.square(), views.squareStrides()));
      dP = g.map(cudnn.CUDNN_POINTWISE_SUB, dP, rowSums);
      dP = g.map(cudnn.CUDNN_POINTWISE_MUL, dP, p);
      return g.map(cudnn.CUDNN_POINTWISE_MUL, dP, scale);
    }

    /** {@code into = weightsᵀ · x}, summed over the query heads of a group. */
    private void addOverHeads(CudnnTensor weights, CudnnTensor x, CudnnTensor into) {
      CudnnTensor transposed = g.virtual(BF16, views.square(), views.transposedStrides());
      g.reshape(weights, transposed);
      if (views.shape().numHeads() == views.shape().numQueryGroups()) {
        g.matmul(transposed, x, into);
        return;
      }
      CudnnTensor perHead = g.virtual(BF16, views.heads(), views.headStrides());
      g.matmul(transposed, x, perHead);
      g.reduce(cudnn.CUDNN_REDUCE_TENSOR_ADD, perHead, into);
    }
  }
}
