package io.tanuki4j.benchmark;

import io.tanuki4j.tensor.DType;
import java.util.List;
import java.util.function.Function;

/**
 * An operation to time.
 *
 * @param work floating-point operations of one run, or the bytes that it must read and write
 * @param prepare makes tensors of its own and gives the run over them
 */
record Operation(
    String name, double work, Unit unit, Function<BenchmarkTensors, Runnable> prepare) {
  enum Unit {
    BYTES,
    FLOPS
  }

  static Operation bytes(String name, double bytes, Function<BenchmarkTensors, Runnable> prepare) {
    return new Operation(name, bytes, Unit.BYTES, prepare);
  }

  static Operation flops(String name, double flops, Function<BenchmarkTensors, Runnable> prepare) {
    return new Operation(name, flops, Unit.FLOPS, prepare);
  }

  /** The types that gradients of weights and an optimizer's state may have in a model of a type. */
  static List<DType> stateTypes(DType dtype) {
    return dtype == DType.F32 ? List.of(dtype) : List.of(DType.F32, dtype);
  }
}
