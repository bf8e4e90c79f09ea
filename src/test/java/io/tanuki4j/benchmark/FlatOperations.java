package io.tanuki4j.benchmark;

import io.tanuki4j.kernel.OptimizerKernels.AdamWStep;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** What happens to buffers without regard to their shape: elementwise operations, the optimizer. */
final class FlatOperations {
  private static final AdamWStep STEP = new AdamWStep(1e-5, 0.9, 0.95, 1e-8, 0.1, 10, 0);

  private final BenchmarkShape shape;
  private final DType dtype;
  private final List<Operation> operations = new ArrayList<>();

  /**
   * @param dtype of weights and activations
   */
  FlatOperations(BenchmarkShape shape, DType dtype) {
    this.shape = shape;
    this.dtype = dtype;
  }

  /** The yardstick of all that is bound by memory. */
  static Operation copy(long numBytes) {
    return Operation.bytes(
        "copy of %d MiB".formatted(numBytes >> 20),
        2.0 * numBytes,
        in -> {
          Tensor to = in.normal(DType.F32, numBytes / DType.F32.bytes());
          Tensor from = in.normal(DType.F32, numBytes / DType.F32.bytes());
          return () -> in.kernels().elementwise().copy(to, from);
        });
  }

  List<Operation> all() {
    addElementwise();
    for (DType gradType : Operation.stateTypes(dtype)) {
      addSumOfSquares(gradType);
    }
    for (DType master : Operation.stateTypes(dtype)) {
      for (DType first : Operation.stateTypes(dtype)) {
        for (DType second : Operation.stateTypes(dtype)) {
          for (DType grad : Operation.stateTypes(dtype)) {
            addAdamW(master, first, second, grad);
          }
        }
      }
    }
    return operations;
  }

  private void addElementwise() {
    long k = shape.parameters();
    long t = (long) shape.tokens() * shape.hidden();
    operations.add(
        Operation.bytes(
            "add",
            3.0 * dtype.bytes() * t,
            in -> {
              Tensor out = in.normal(dtype, t);
              Tensor a = in.normal(dtype, t);
              Tensor b = in.normal(dtype, t);
              return () -> in.kernels().elementwise().add(out, a, b);
            }));
    for (double value : new double[] {0, 1}) {
      operations.add(
          Operation.bytes(
              "fill with %.0f".formatted(value),
              (double) DType.F32.bytes() * k,
              in -> {
                Tensor out = in.normal(DType.F32, k);
                return () -> in.kernels().elementwise().fill(out, value);
              }));
    }
    operations.add(
        Operation.bytes(
            "copy F32 to " + dtype,
            (double) (DType.F32.bytes() + dtype.bytes()) * k,
            in -> {
              Tensor out = in.normal(dtype, k);
              Tensor from = in.normal(DType.F32, k);
              return () -> in.kernels().elementwise().copy(out, from);
            }));
  }

  private void addSumOfSquares(DType gradType) {
    long k = shape.parameters();
    operations.add(
        Operation.bytes(
            "sumOfSquares " + gradType,
            (double) gradType.bytes() * k,
            in -> {
              Tensor sum = in.filled(DType.F64, 0, 1);
              Tensor grads = in.normal(gradType, k);
              return () -> in.kernels().optimizer().sumOfSquares(sum, grads);
            }));
  }

  /** A master in the type of the weights is the weights. */
  private void addAdamW(DType master, DType first, DType second, DType grad) {
    long k = shape.parameters();
    boolean same = master == dtype;
    int readAndWritten = master.bytes() + first.bytes() + second.bytes();
    int bytes = 2 * readAndWritten + grad.bytes() + (same ? 0 : dtype.bytes());
    operations.add(
        Operation.bytes(
            "adamW master %s m %s v %s grad %s".formatted(master, first, second, grad),
            (double) bytes * k,
            in -> {
              Tensor weights = in.normal(dtype, k);
              Tensor masters = same ? weights : in.normal(master, k);
              Tensor m = in.filled(first, 0, k);
              Tensor v = in.filled(second, 0, k);
              Tensor grads = in.normal(grad, k);
              Tensor factor = in.filled(DType.F64, 1, 1);
              return () ->
                  in.kernels().optimizer().adamW(weights, masters, m, v, grads, factor, STEP);
            }));
  }
}
