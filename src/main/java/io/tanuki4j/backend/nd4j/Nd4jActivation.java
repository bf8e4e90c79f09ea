package io.tanuki4j.backend.nd4j;

import static org.nd4j.linalg.indexing.NDArrayIndex.all;
import static org.nd4j.linalg.indexing.NDArrayIndex.interval;

import io.tanuki4j.backend.host.CallChecks;
import io.tanuki4j.backend.host.Expect;
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
    CallChecks.gateUp("gateUp of swiGlu", gateUp, out);
    INDArray both = TensorArrays.matrix(gateUp);
    INDArray gate = both.get(all(), interval(0, out.dim(-1)));
    INDArray up = both.get(all(), interval(out.dim(-1), 2 * out.dim(-1)));
    TensorArrays.put(out, gate.mul(Transforms.sigmoid(gate)).mul(up));
  }

  /** The derivative of {@code silu(x)} is {@code σ · (1 + x · (1 − σ))} with σ = sigmoid(x). */
  @Override
  public void swiGluBackward(Tensor dGateUp, Tensor dOut, Tensor gateUp) {
    CallChecks.gateUp("gateUp of swiGlu", gateUp, dOut);
    CallChecks.gateUp("dGateUp of swiGlu", dGateUp, dOut);
    INDArray both = TensorArrays.matrix(gateUp);
    INDArray gate = both.get(all(), interval(0, dOut.dim(-1)));
    INDArray up = both.get(all(), interval(dOut.dim(-1), 2 * dOut.dim(-1)));
    INDArray grad = TensorArrays.matrix(dOut);
    INDArray sigmoid = Transforms.sigmoid(gate);
    INDArray slope = sigmoid.mul(gate.mul(sigmoid.rsub(1)).add(1));
    INDArray dGate = grad.mul(up).mul(slope);
    INDArray dUp = grad.mul(gate).mul(sigmoid);
    TensorArrays.put(dGateUp, Nd4j.concat(1, dGate, dUp));
  }

  @Override
  public void forward(Function function, Tensor out, Tensor x) {
    Expect.like("out of an activation", out, x);
    INDArray in = TensorArrays.matrix(x);
    TensorArrays.put(
        out,
        switch (function) {
          case GELU -> in.mul(normal(in));
          case GELU_TANH -> in.mul(tanh(in).add(1)).mul(0.5);
          case SQUARED_RELU -> positive(in).mul(positive(in));
        });
  }

  @Override
  public void backward(Function function, Tensor dx, Tensor dOut, Tensor x) {
    Expect.like("dx of an activation", dx, x);
    Expect.like("dOut of an activation", dOut, x);
    INDArray in = TensorArrays.matrix(x);
    INDArray slope =
        switch (function) {
          case GELU -> normal(in).add(in.mul(density(in)));
          case GELU_TANH -> slopeOfGeluTanh(in);
          case SQUARED_RELU -> positive(in).mul(2);
        };
    TensorArrays.put(dx, TensorArrays.matrix(dOut).mul(slope));
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
