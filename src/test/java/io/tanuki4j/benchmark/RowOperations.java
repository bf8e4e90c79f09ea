package io.tanuki4j.benchmark;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What a transformer layer does token by token: norms, rotation, activation. */
final class RowOperations {
  private static final double EPSILON = 1e-5;

  /** The norm of a model with four times the hidden size, whose rows are long. */
  private static final int WIDE = 4;

  private final BenchmarkShape shape;
  private final DType dtype;
  private final List<Operation> operations = new ArrayList<>();

  /**
   * @param dtype of weights and activations
   */
  RowOperations(BenchmarkShape shape, DType dtype) {
    this.shape = shape;
    this.dtype = dtype;
  }

  List<Operation> all() {
    for (int h : new int[] {shape.hidden(), WIDE * shape.hidden()}) {
      addNormForward(h);
      addNormBackward(h);
    }
    addRope();
    addSwiGlu();
    return operations;
  }

  private double bytes(double elements) {
    return elements * dtype.bytes();
  }

  private void addNormForward(int h) {
    int t = shape.tokens();
    double bytes = bytes((double) t * h);
    operations.add(
        Operation.bytes(
            "rmsNormForward, h " + h,
            2 * bytes,
            in -> {
              Tensor out = in.normal(dtype, t, h);
              Tensor x = in.normal(dtype, t, h);
              Tensor weight = in.normal(dtype, h);
              Tensor rstd = in.filled(DType.F32, 1, t);
              return () -> in.kernels().norm().rmsNormForward(out, rstd, x, weight, EPSILON);
            }));
    operations.add(
        Operation.bytes(
            "addRmsNormForward, h " + h,
            4 * bytes,
            in -> {
              Tensor out = in.normal(dtype, t, h);
              Tensor x = in.normal(dtype, t, h);
              Tensor delta = in.normal(dtype, t, h);
              Tensor sum = in.normal(dtype, t, h);
              Tensor weight = in.normal(dtype, h);
              Tensor rstd = in.filled(DType.F32, 1, t);
              return () ->
                  in.kernels().norm().addRmsNormForward(sum, out, rstd, x, delta, weight, EPSILON);
            }));
  }

  private void addNormBackward(int h) {
    int t = shape.tokens();
    double bytes = bytes((double) t * h);
    for (Accumulate accumulate : Accumulate.values()) {
      int passes = accumulate == Accumulate.ADD ? 4 : 3;
      for (DType gradType : Operation.stateTypes(dtype)) {
        String name = "rmsNormBackward %s, dW %s, h %d".formatted(accumulate, gradType, h);
        operations.add(
            Operation.bytes(
                name,
                passes * bytes,
                in -> {
                  Tensor dx = in.normal(dtype, t, h);
                  Tensor dOut = in.normal(dtype, t, h);
                  Tensor x = in.normal(dtype, t, h);
                  Tensor weight = in.normal(dtype, h);
                  Tensor dWeight = in.normal(gradType, h);
                  Tensor rstd = in.filled(DType.F32, 1, t);
                  return () ->
                      in.kernels()
                          .norm()
                          .rmsNormBackward(
                              dx,
                              dWeight,
                              dOut,
                              x,
                              rstd,
                              weight,
                              accumulate == Accumulate.ADD ? dx : null);
                }));
      }
    }
  }

  private void addRope() {
    AttentionShape attention = shape.attention();
    int t = shape.tokens();
    int d = attention.headDim();
    double bytes = bytes(2.0 * t * (shape.heads() + shape.groups()) * d);
    for (boolean forward : new boolean[] {true, false}) {
      operations.add(
          Operation.bytes(
              forward ? "ropeForward" : "ropeBackward",
              bytes,
              in -> {
                Tensor qkv = in.normal(dtype, t, attention.qkvSize());
                Tensor cos = in.filled(DType.F32, Math.cos(1), shape.seq(), d / 2);
                Tensor sin = in.filled(DType.F32, Math.sin(1), shape.seq(), d / 2);
                Kernels kernels = in.kernels();
                return forward
                    ? () -> kernels.rope().ropeForward(qkv, cos, sin, attention)
                    : () -> kernels.rope().ropeBackward(qkv, cos, sin, attention);
              }));
    }
  }

  private void addSwiGlu() {
    int t = shape.tokens();
    int f = shape.ffn();
    double bytes = bytes((double) t * f);
    operations.add(
        Operation.bytes(
            "swiGluForward",
            3 * bytes,
            in -> {
              Tensor gateUp = in.normal(dtype, t, 2L * f);
              Tensor out = in.normal(dtype, t, f);
              return () -> in.kernels().activation().swiGluForward(out, gateUp);
            }));
    operations.add(
        Operation.bytes(
            "swiGluBackward",
            5 * bytes,
            in -> {
              Tensor gateUp = in.normal(dtype, t, 2L * f);
              Tensor dGateUp = in.normal(dtype, t, 2L * f);
              Tensor dOut = in.normal(dtype, t, f);
              return () -> in.kernels().activation().swiGluBackward(dGateUp, dOut, gateUp);
            }));
  }
}
