package io.tanuki4j.config;

import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.nn.fp8.Fp8Config;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.tensor.DType;
import org.jspecify.annotations.Nullable;

/**
 * The number types of training.
 *
 * @param compute weights and activations
 * @param gradients main gradients
 * @param state the copy of the weights that the optimizer updates, and its moments
 * @param fp8 how linear layers multiply in FP8; null for no FP8
 */
public record Precision(DType compute, DType gradients, StateTypes state, @Nullable Fp8Config fp8) {
  public static final Precision FP32 =
      new Precision(DType.F32, DType.F32, StateTypes.wide(DType.F32));

  /** Makes a precision without FP8. */
  public Precision(DType compute, DType gradients, StateTypes state) {
    this(compute, gradients, state, null);
  }

  /**
   * Returns the peak operations per second of a device in the type of the linear layers' products;
   * 0 if it is unknown.
   */
  public double peakFlops(DeviceInfo device) {
    if (fp8 != null) {
      return device.peakFp8Flops();
    }
    return compute.isFloat16() ? device.peakFlops() : 0;
  }
}
