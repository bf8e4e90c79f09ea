package io.tanuki4j.nn.fp8;

import io.tanuki4j.kernel.Fp8Kernels.Window;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;

/**
 * How a model's linear layers multiply in FP8.
 *
 * @param gradientType of the gradients: F8_E5M2 for Megatron's hybrid format; all others are
 *     F8_E4M3
 * @param recipe where scales come from
 * @param margin a scale is divided by 2 to this power
 * @param historyLength iterations whose largest magnitudes are remembered
 * @param window which of them make the scale
 * @param wideWeightGradients whether the gradients of weights are BF16 products
 * @param inBf16 layers that stay in BF16
 */
public record Fp8Config(
    DType gradientType,
    Recipe recipe,
    int margin,
    int historyLength,
    Window window,
    boolean wideWeightGradients,
    Ends inBf16) {

  /** Where the scale of a tensor comes from. */
  public enum Recipe {
    /** The magnitudes of earlier iterations. */
    DELAYED,
    /** The tensor's own magnitude, found before it is cast. */
    TENSORWISE
  }

  /**
   * Layers at the ends of a model.
   *
   * @param first number of layers at its start
   * @param last number of layers at its end
   */
  public record Ends(int first, int last) {
    /** No layers. */
    public static final Ends NONE = new Ends(0, 0);
  }

  /** Returns delayed scaling as Megatron's flags have it if only the format is given. */
  public static Fp8Config hybrid() {
    return new Fp8Config(DType.F8_E5M2, Recipe.DELAYED, 0, 1, Window.MOST_RECENT, false, Ends.NONE);
  }

  /** Returns whether a layer, counted over the whole model, multiplies in FP8. */
  public boolean covers(int layer, int numLayers) {
    return layer >= inBf16.first() && layer < numLayers - inBf16.last();
  }

  /** Returns the limit to which the largest magnitude of a tensor is scaled. */
  float limit(DType type) {
    return Math.scalb(Float8.max(type), -margin);
  }
}
