package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of an {@link AttentionMask}; 0 for what it lacks.
 *
 * @param samples of the dropout; 0 if there is none
 * @param keptBelow see {@link Dropout}
 */
record MaskOperands(
    long documentStarts,
    long queryPositions,
    long keyPositions,
    long samples,
    long key,
    long keptBelow,
    float factor,
    int firstHead) {
  /**
   * Checks a mask and takes its addresses.
   *
   * @param form of the call
   */
  static MaskOperands of(AttentionMask mask, AttentionForm form) {
    long queries = (long) form.numQueries() * form.queries().batchSize();
    Dropout dropout = mask.dropout();
    return new MaskOperands(
        address("documentStarts", mask.documentStarts(), queries, DType.I32),
        address("queryPositions", mask.queryPositions(), form.numQueries(), DType.I32),
        address("keyPositions", mask.keyPositions(), form.numKeys(), DType.I32),
        dropout == null
            ? 0
            : address("samples", dropout.samples(), form.queries().batchSize(), DType.I64),
        dropout == null ? 0 : dropout.key(),
        dropout == null ? 0 : dropout.keptBelow(),
        dropout == null ? 1 : (float) dropout.factor(),
        mask.firstHead());
  }

  private static long address(String name, @Nullable Tensor tensor, long elements, DType dtype) {
    if (tensor == null) {
      return 0;
    }
    Expect.elements(name + " of attention", tensor, elements);
    Expect.dtype(name + " of attention", tensor, dtype);
    return Address.of(tensor);
  }

  /** Returns whether probabilities are dropped. */
  boolean drops() {
    return samples != 0;
  }

  /** Returns whether tokens are at their place in the sequence. */
  boolean isOfWholeSequences() {
    return queryPositions == 0 && keyPositions == 0;
  }
}
