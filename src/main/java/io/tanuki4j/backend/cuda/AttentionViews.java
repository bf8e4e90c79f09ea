package io.tanuki4j.backend.cuda;

/**
 * The dims and strides of attention's tensors as cuDNN sees them: batch, heads, queries or keys,
 * head dim. Documents are batch entries, each as long as the sequence at most.
 */
record AttentionViews(AttentionForm form) {
  /** Returns the batch entries of a call. */
  long b() {
    return form.hasDocuments() ? form.maxDocuments() : form.queries().batchSize();
  }

  private long n() {
    return form.queries().numHeads();
  }

  private long d() {
    return form.queries().headDim();
  }

  private long q() {
    return form.numQueries();
  }

  private long k() {
    return form.numKeys();
  }

  static long[] swapped(long[] dims) {
    return new long[] {dims[0], dims[1], dims[3], dims[2]};
  }

  long[] heads() {
    return new long[] {b(), n(), q(), d()};
  }

  /** Returns the view of keys or values. */
  long[] groups() {
    return new long[] {b(), form.queries().numQueryGroups(), k(), d()};
  }

  /** Returns the view of gradients of keys or values, for each query head. */
  long[] keysOfHeads() {
    return new long[] {b(), n(), k(), d()};
  }

  long[] rows() {
    return new long[] {b(), n(), q(), 1};
  }

  long[] scores() {
    return new long[] {b(), n(), q(), k()};
  }

  long[] transposedScores() {
    return swapped(scores());
  }

  long[] queryStrides() {
    return packed(form.queryWidth());
  }

  long[] queryGradStrides() {
    return packed(form.queryGradWidth());
  }

  long[] keyStrides() {
    return packed(form.keyWidth());
  }

  long[] outStrides() {
    return packed(form.queries().outSize());
  }

  private long[] packed(long width) {
    long step = form.queries().batchSize() * width;
    return new long[] {form.hasDocuments() ? q() * step : width, d(), step, 1};
  }

  /** Returns the strides of {@code [b, n, q, d]}. */
  long[] headStrides() {
    return new long[] {n() * q() * d(), q() * d(), d(), 1};
  }

  /** Returns the strides of {@code [b, q, n, d]}. */
  long[] queryMajorStrides() {
    return new long[] {n() * q() * d(), d(), n() * d(), 1};
  }

  long[] keysOfHeadsStrides() {
    return form.hasDocuments()
        ? packedKeysOfHeadsStrides()
        : new long[] {n() * k() * d(), k() * d(), d(), 1};
  }

  /** Returns those of the keys, whose offsets cuDNN multiplies by the heads of a group. */
  private long[] packedKeysOfHeadsStrides() {
    long[] strides = keyStrides();
    strides[0] *= form.headsPerGroup();
    strides[2] *= form.headsPerGroup();
    return strides;
  }

  long[] rowStrides() {
    return new long[] {n() * q(), q(), 1, 1};
  }

  long[] scoreStrides() {
    return new long[] {n() * q() * k(), q() * k(), k(), 1};
  }

  long[] transposedScoreStrides() {
    return swapped(scoreStrides());
  }
}
