package io.tanuki4j.backend.nd4j;

import static io.tanuki4j.backend.nd4j.TensorArrays.matrix;
import static io.tanuki4j.backend.nd4j.TensorArrays.put;
import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.tensor.Tensor;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.impl.transforms.strict.Erf;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.conditions.Conditions;
import org.nd4j.linalg.ops.transforms.Transforms;

/** SwiGLU, and functions of single numbers. */
final class Nd4jActivation implements ActivationKernels {
  private static final double CUBIC = 0.044715;
  private static final double ROOT = Math.sqrt(2 / Math.PI);

  @Override
  public void swiGluForward(Tensor out, Tensor gateUp) {
    put(out, swiGlu(gateUp));
  }

  @Override
  public void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp) {
    put(dGateUp, swiGluGradient(dOut, gateUp));
  }

  /** Returns {@code silu(gate) · up} with {@code silu(x) = x · σ(x)}. */
  static INDArray swiGlu(Tensor gateUp) {
    INDArray gate = half(gateUp, 0);
    return gate.mul(Transforms.sigmoid(gate)).mul(half(gateUp, 1));
  }

  /** Returns the gradient; the derivative of silu is {@code σ · (1 + x · (1 − σ))}. */
  static INDArray swiGluGradient(Tensor dOut, Tensor gateUp) {
    INDArray gate = half(gateUp, 0);
    INDArray grad = matrix(dOut);
    INDArray sigmoid = Transforms.sigmoid(gate);
    INDArray slope = sigmoid.mul(gate.mul(sigmoid.rsub(1)).add(1));
    INDArray dGate = grad.mul(half(gateUp, 1)).mul(slope);
    return Nd4j.concat(1, dGate, grad.mul(gate).mul(sigmoid));
  }

  /** Returns the left columns of a matrix, or the right ones. */
  private static INDArray half(Tensor both, int index) {
    long columns = both.dim(-1) / 2;
    return matrix(both).get(all(), interval(index * columns, (index + 1) * columns));
  }

  @Override
  public void forward(Function function, Tensor out, Tensor x) {
    INDArray in = matrix(x);
    put(
        out,
        switch (function) {
          case GELU -> in.mul(normal(in));
          case GELU_TANH -> in.mul(tanh(in).add(1)).mul(0.5);
          case SQUARED_RELU -> positive(in).mul(positive(in));
        });
  }

  @Override
  public void backward(Function function, Tensor dx, Tensor dOut, Tensor x) {
    INDArray in = matrix(x);
    INDArray slope =
        switch (function) {
          case GELU -> normal(in).add(in.mul(density(in)));
          case GELU_TANH -> slopeOfGeluTanh(in);
          case SQUARED_RELU -> positive(in).mul(2);
        };
    put(dx, matrix(dOut).mul(slope));
  }

  /** Returns 0 for negative numbers. ND4J's max would do so for NaN too. */
  private static INDArray positive(INDArray x) {
    INDArray result = x.dup();
    BooleanIndexing.replaceWhere(result, 0, Conditions.lessThan(0));
    return result;
  }

  /** Returns {@code Φ(x) = (1 + erf(x / √2)) / 2}. */
  private static INDArray normal(INDArray x) {
    return Nd4j.exec(new Erf(x.div(Math.sqrt(2)))).add(1).mul(0.5);
  }

  private static INDArray density(INDArray x) {
    return Transforms.exp(x.mul(x).mul(-0.5)).div(Math.sqrt(2 * Math.PI));
  }

  private static INDArray tanh(INDArray x) {
    return Transforms.tanh(x.mul(x).mul(CUBIC).add(1).mul(x).mul(ROOT));
  }

  private static INDArray slopeOfGeluTanh(INDArray x) {
    INDArray tanh = tanh(x);
    INDArray inner = x.mul(x).mul(3 * CUBIC).add(1).mul(ROOT);
    INDArray sech2 = tanh.mul(tanh).rsub(1);
    return tanh.add(1).mul(0.5).add(x.mul(sech2).mul(inner).mul(0.5));
  }
}
