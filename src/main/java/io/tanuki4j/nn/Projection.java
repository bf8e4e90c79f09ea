package io.tanuki4j.nn;

import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer, {@code y = x · Wᵀ} or that and a bias, that chooses the form in which its three
 * products read their operands. It is the seam between a model and a numeric recipe.
 */
public interface Projection {
  /**
   * The input as the backward needs it.
   *
   * @param values in the type the model computes in, or in FP8, then perhaps transposed
   * @param inverse {@code [1]}, 1 / the scale of FP8 values, else null
   */
  record SavedInput(Tensor values, @Nullable Tensor inverse) {}

  /** Returns the width of this rank's part of the output. */
  long outSize();

  /** Overwrites out; the saved input is in the micro-batch's memory. */
  SavedInput forward(Tensor out, Factor x, Microbatch microbatch);

  /** Saves what {@link #forward} saves, without its product. */
  SavedInput save(Factor x, Microbatch microbatch);

  /**
   * Overwrites dx, and adds to the gradient of the weight, or begins it. If the micro-batch is
   * split, that happens in the second half, and the factor is written in a place that stays.
   */
  void backward(Tensor dx, SavedInput x, Factor dOut, Microbatch microbatch);

  List<Parameter> parameters();

  /** Returns a layer that saves its input, with products in the type the model computes in. */
  static Projection of(Layer<Tensor> layer, long outSize) {
    return new PlainProjection(layer, outSize);
  }
}
