package io.tanuki4j.backend.cuda;

/**
 * Memory for where the documents of each sample lie, as cuDNN takes them: lengths, and offsets into
 * projections, outputs and rows. A kernel writes it from the mask before each call, so that the
 * host need not know the documents.
 *
 * @param capacity documents of a sample; those that it lacks are empty
 * @param address 0 to know the size only
 */
record DocumentBounds(int capacity, int batchSize, long address) {
  private static final int THREADS = 1024;
  private static final int NUM_ARRAYS = 4;

  static DocumentBounds of(AttentionForm form, long address) {
    return new DocumentBounds(form.maxDocuments(), form.queries().batchSize(), address);
  }

  private long arrayBytes() {
    return CudnnAttention.aligned((capacity + 1L) * batchSize * Long.BYTES);
  }

  /** Returns the bytes for all samples. */
  long bytes() {
    return NUM_ARRAYS * arrayBytes();
  }

  /** Computes the bounds of all samples. */
  void write(CudaFunction kernel, AttentionCall call) {
    AttentionForm form = call.form();
    kernel.arg(array(0)).arg(array(1)).arg(array(2)).arg(array(3));
    kernel.arg(call.mask().documentStarts()).arg(form.numQueries()).arg(batchSize).arg(capacity);
    kernel.arg((long) batchSize * form.queryWidth());
    kernel.arg((long) batchSize * form.queries().outSize());
    kernel.launch(batchSize, THREADS);
  }

  private long array(int index) {
    return address + index * arrayBytes();
  }

  /** Returns the addresses of a sample's lengths, and of its offsets into tokens, outs and rows. */
  long[] addresses(int sample) {
    long first = (capacity + 1L) * sample;
    long offsets = first * Long.BYTES;
    return new long[] {
      array(0) + first * Integer.BYTES, array(1) + offsets, array(2) + offsets, array(3) + offsets
    };
  }
}
