package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/**
 * The addresses of an {@link AttentionMask}; 0 for what it lacks.
 *
 * @param maxDocuments that a sequence has at most
 */
record MaskOperands(long documentStarts, long keyPositions, int maxDocuments) {
  /**
   * Checks a mask and takes its addresses.
   *
   * @param form of the call
   */
  static MaskOperands of(AttentionMask mask, AttentionForm form) {
    long queries = (long) form.numQueries() * form.queries().batchSize();
    return new MaskOperands(
        address("documentStarts", mask.documentStarts(), queries),
        address("keyPositions", mask.keyPositions(), form.numKeys()),
        mask.maxDocuments());
  }

  private static long address(String name, @Nullable Tensor tensor, long elements) {
    if (tensor == null) {
      return 0;
    }
    Expect.elements(name + " of attention", tensor, elements);
    Expect.dtype(name + " of attention", tensor, DType.I32);
    return Address.of(tensor);
  }

  /** Returns whether a query may not see the first keys. */
  boolean hasDocuments() {
    return documentStarts != 0;
  }
}
