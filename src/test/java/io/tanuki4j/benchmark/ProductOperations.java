package io.tanuki4j.benchmark;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What a transformer layer and the head do in matrix products. */
final class ProductOperations {
  private final BenchmarkShape shape;
  private final DType dtype;
  private final List<Operation> operations = new ArrayList<>();

  /**
   * @param dtype of weights and activations
   */
  ProductOperations(BenchmarkShape shape, DType dtype) {
    this.shape = shape;
    this.dtype = dtype;
  }

  List<Operation> all() {
    int t = shape.tokens();
    int h = shape.hidden();
    addLinear("qkv", t, h, shape.attention().qkvSize());
    addLinear("proj", t, h, h);
    addLinear("gateUp", t, h, 2 * shape.ffn());
    addLinear("down", t, shape.ffn(), h);
    addLinear("head", VocabularyOperations.chunkTokens(shape), h, shape.vocab());
    addAttention(shape.attention());
    if (shape.batch() > 1) {
      addAttention(shape.longAttention());
    }
    return operations;
  }

  private void addLinear(String name, int t, int inSize, int outSize) {
    double flops = 2.0 * t * inSize * outSize;
    String sizes = " %d x %d -> %d".formatted(t, inSize, outSize);
    operations.add(
        Operation.flops(
            name + sizes,
            flops,
            in -> {
              Tensor y = in.normal(dtype, t, outSize);
              Tensor x = in.normal(dtype, t, inSize);
              Tensor w = in.normal(dtype, outSize, inSize);
              return () ->
                  in.kernels().matmul(y, x, Op.NONE, w, Op.TRANSPOSE, Accumulate.OVERWRITE);
            }));
    operations.add(
        Operation.flops(
            name + " dX",
            flops,
            in -> {
              Tensor dx = in.normal(dtype, t, inSize);
              Tensor dy = in.normal(dtype, t, outSize);
              Tensor w = in.normal(dtype, outSize, inSize);
              return () -> in.kernels().matmul(dx, dy, Op.NONE, w, Op.NONE, Accumulate.OVERWRITE);
            }));
    for (DType gradType : Operation.stateTypes(dtype)) {
      operations.add(
          Operation.flops(
              name + " dW into " + gradType,
              flops,
              in -> {
                Tensor grad = in.normal(gradType, outSize, inSize);
                Tensor dy = in.normal(dtype, t, outSize);
                Tensor x = in.normal(dtype, t, inSize);
                return () ->
                    in.kernels().matmul(grad, dy, Op.TRANSPOSE, x, Op.NONE, Accumulate.ADD);
              }));
    }
  }

  /** The products of the lower triangle: two forward, five backward. */
  private void addAttention(AttentionShape a) {
    double flops = 2.0 * a.batchSize() * a.numHeads() * a.headDim() * Math.pow(a.seqLength(), 2);
    String sizes = ", s %d b %d".formatted(a.seqLength(), a.batchSize());
    operations.add(
        Operation.flops(
            "causalAttentionForward" + sizes, flops, in -> new Attention(in, a)::forward));
    operations.add(
        Operation.flops(
            "causalAttentionBackward" + sizes,
            2.5 * flops,
            in -> {
              Attention attention = new Attention(in, a);
              attention.forward();
              return attention::backward;
            }));
  }

  private final class Attention {
    private final Kernels kernels;
    private final AttentionShape a;
    private final Tensor qkv;
    private final Tensor out;
    private final Tensor logSumExp;
    private final Tensor dQkv;
    private final Tensor dOut;

    Attention(BenchmarkTensors in, AttentionShape a) {
      this.kernels = in.kernels();
      this.a = a;
      this.qkv = in.normal(dtype, a.seqLength(), a.batchSize(), a.qkvSize());
      this.dQkv = in.normal(dtype, a.seqLength(), a.batchSize(), a.qkvSize());
      this.out = in.normal(dtype, a.seqLength(), a.batchSize(), a.outSize());
      this.dOut = in.normal(dtype, a.seqLength(), a.batchSize(), a.outSize());
      this.logSumExp = in.filled(DType.F32, 0, a.batchSize(), a.numHeads(), a.seqLength());
    }

    void forward() {
      kernels.causalAttentionForward(out, logSumExp, qkv, a);
    }

    void backward() {
      kernels.causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, a);
    }
  }
}
