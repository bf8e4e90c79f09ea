package io.tanuki4j.benchmark;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What a transformer layer and the head do in matrix products, attention apart. */
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
                  in.kernels()
                      .matmul()
                      .matmul(y, x, Op.NONE, w, Op.TRANSPOSE, Accumulate.OVERWRITE);
            }));
    operations.add(
        Operation.flops(
            name + " dX",
            flops,
            in -> {
              Tensor dx = in.normal(dtype, t, inSize);
              Tensor dy = in.normal(dtype, t, outSize);
              Tensor w = in.normal(dtype, outSize, inSize);
              return () ->
                  in.kernels().matmul().matmul(dx, dy, Op.NONE, w, Op.NONE, Accumulate.OVERWRITE);
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
                    in.kernels()
                        .matmul()
                        .matmul(grad, dy, Op.TRANSPOSE, x, Op.NONE, Accumulate.ADD);
              }));
    }
  }
}
