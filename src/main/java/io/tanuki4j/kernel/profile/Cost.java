package io.tanuki4j.kernel.profile;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.tensor.Tensor;

/** The building blocks of the costs of operations. */
final class Cost {
  private Cost() {}

  static KernelCall moved(KernelFamily family, String operation, Tensor shaped, double bytes) {
    return new KernelCall(family, operation, shaped.toString(), 0, bytes);
  }

  static double added(Tensor out, Accumulate accumulate) {
    return accumulate == Accumulate.ADD ? bytes(out) : 0;
  }

  static double bytes(Tensor... tensors) {
    double sum = 0;
    for (Tensor tensor : tensors) {
      sum += tensor.numBytes();
    }
    return sum;
  }
}
