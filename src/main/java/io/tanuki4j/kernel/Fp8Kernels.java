package io.tanuki4j.kernel;

import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * FP8 products (Micikevicius et al., 2022) and quantization: a tensor is multiplied by a scale and
 * rounded ({@link io.tanuki4j.tensor.Float8}). Scales and largest magnitudes (amax) are values on
 * the device. A product sums along the last dim of both matrices, so one pass writes a tensor both
 * as it is and transposed.
 *
 * <p>Numbers of rows and columns are multiples of {@value #MULTIPLE}. Inputs are BF16 or F32; a
 * fused operation gives the same bits as the plain one followed by {@link #quantize}.
 */
public interface Fp8Kernels {
  /** Numbers of rows and columns are multiples of this. */
  int MULTIPLE = 16;

  /** The floats that one inverse occupies, since libraries want it aligned to 16 bytes. */
  int INVERSE_SIZE = 4;

  /**
   * Where a tensor of t rows and c columns goes.
   *
   * @param rows {@code [t, c]}, or null if it is not wanted
   * @param columns {@code [c, t]}, the transpose, or null
   * @param scale {@code [1]}, F32, by which it is multiplied
   * @param amax {@code [1]}, F32: becomes the largest finite magnitude of the tensor, before it is
   *     multiplied, if that is larger than what is there
   */
  record Target(@Nullable Tensor rows, @Nullable Tensor columns, Tensor scale, Tensor amax) {}

  /**
   * An operand of a product.
   *
   * @param values {@code [m, k]}, FP8
   * @param inverse {@code [1, INVERSE_SIZE]}, F32: first, 1 / the scale of the values
   */
  record Operand(Tensor values, Tensor inverse) {}

  /** How partial sums of a product are kept, where hardware gives the choice. */
  enum Sums {
    /** In the registers of the matrix unit, of about 14 bits. */
    FAST,
    /** Promoted to fp32 every so often. */
    SPLIT
  }

  /**
   * Quantizes a tensor.
   *
   * @param x {@code [t, c]}
   */
  void quantize(Target out, Tensor x);

  /** Computes {@link NormKernels#rmsNormForward}, its output quantized. */
  void quantizeRmsNorm(Target out, Tensor rstd, Tensor x, Tensor weight, double epsilon);

  /** Computes {@link NormKernels#addRmsNormForward}, its output quantized. */
  void quantizeAddRmsNorm(
      Target out, Tensor sum, Tensor rstd, Tensor x, Tensor delta, Tensor weight, double epsilon);

  /** Computes {@link ActivationKernels#swiGluForward}, its output quantized. */
  void quantizeSwiGlu(Target out, Tensor gateUp);

  /**
   * Computes {@link ActivationKernels#swiGluBackward}, its output quantized; gateUp stays as it is.
   *
   * @param dGateUp of {@code [t, 2f]}
   */
  void quantizeSwiGluBackward(Target dGateUp, Tensor dOut, Tensor gateUp);

  /**
   * Transposes an FP8 tensor.
   *
   * @param out {@code [c, t]}
   * @param in {@code [t, c]}
   */
  void transpose(Tensor out, Tensor in);

  /**
   * Raises amax to the largest finite magnitude of x.
   *
   * @param amax {@code [1]}, F32
   */
  void amax(Tensor amax, Tensor x);

  /**
   * Computes a scale from each amax: {@code scale = limit / amax}; where amax is 0, the scale is 1.
   * A scale that would be infinite is the largest float.
   *
   * @param scale {@code [n]}, F32
   * @param inverse {@code [n, INVERSE_SIZE]}, F32: first in each row, 1 / scale
   * @param amax {@code [n]}, F32
   * @param limit {@code [n]}, F32: what the largest magnitude becomes
   */
  void scales(Tensor scale, Tensor inverse, Tensor amax, Tensor limit);

  /**
   * Ends an iteration of delayed scaling. For each tensor with an amax above 0, the history moves
   * on by one and the amax becomes its newest entry. The scale follows as in {@link #scales} from
   * the largest or the newest entry, and the amax becomes 0. Other tensors stay as they are.
   *
   * @param history {@code [n, length]}, F32, oldest first
   */
  void delayedScales(
      Tensor scale, Tensor inverse, Tensor history, Tensor amax, Tensor limit, Window window);

  /** Which entries of a history make the scale. */
  enum Window {
    MAX,
    MOST_RECENT
  }

  /** The numbers of a {@link #tally}. */
  int TALLY_SIZE = 4;

  /**
   * Counts what a scale has done to a tensor.
   *
   * @param tally {@code [TALLY_SIZE]}, F64: added to are the number of elements, of those of the
   *     type's largest magnitude (clipped, or just as large) and of zeros; last, becomes the scale
   * @param x FP8
   * @param scale {@code [1]}, F32, by which x was multiplied
   */
  void tally(Tensor tally, Tensor x, Tensor scale);

  /**
   * Computes {@code out (+)= a · bᵀ}, multiplied by both inverses, with sums in fp32. At most one
   * operand is E5M2.
   *
   * @param out {@code [m, n]}, BF16 or F32
   * @param a {@code [m, k]}
   * @param b {@code [n, k]}
   */
  void multiply(Tensor out, Operand a, Operand b, Sums sums, Accumulate accumulate);
}
