package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * What a call of cuDNN's attention needs besides its operands and cuDNN's own workspace. In this
 * order: the bounds of documents, then in the backward row sums, gradients of keys and values for
 * each query head, and the sum of dQ.
 *
 * <p>Documents of one sample are one call, since cuDNN wants offsets that are multiples of the
 * distance between tokens.
 *
 * @param address of the scratch; 0 to know the size only
 */
record AttentionScratch(AttentionForm form, boolean backward, boolean deterministic, long address) {
  AttentionScratch at(long place) {
    return new AttentionScratch(form, backward, deterministic, place);
  }

  /** Returns how many calls, one after another, compute attention. */
  int numCalls() {
    return form.hasDocuments() ? form.queries().batchSize() : 1;
  }

  long bytes() {
    return boundBytes() + (backward ? rowSumBytes() + 2 * headBytes() + dQBytes() : 0);
  }

  DocumentBounds bounds() {
    return DocumentBounds.of(form, address);
  }

  private long boundBytes() {
    return form.hasDocuments() ? bounds().bytes() : 0;
  }

  private long rowSumBytes() {
    return CudnnAttention.aligned(form.numRows() * Float.BYTES);
  }

  /** Returns the bytes of the gradients of keys, or of values, for each query head. */
  private long headBytes() {
    return form.hasDocuments() && form.headsPerGroup() > 1
        ? tokenBytes(form.keyWidth() * form.headsPerGroup(), DType.BF16)
        : 0;
  }

  private long dQBytes() {
    if (deterministic) {
      return 0;
    }
    return form.hasDocuments()
        ? tokenBytes(form.queryGradWidth(), DType.F32)
        : CudnnAttention.aligned(form.numRows() * form.queries().headDim() * Float.BYTES);
  }

  private long tokenBytes(int width, DType type) {
    long tokens = (long) form.numQueries() * form.queries().batchSize();
    return CudnnAttention.aligned(tokens * width * type.bytes());
  }

  /** Returns the addresses of {@link AttentionGraph#forward}. */
  long[] forward(AttentionCall call, int sample) {
    List<Long> all = new ArrayList<>();
    addOperands(all, call.in(), sample);
    all.add(out(call.out(), sample));
    all.add(rows(call.logSumExp(), sample));
    return withBounds(all, sample);
  }

  /** Returns the addresses of {@link AttentionGraph#backward}. */
  long[] backward(AttentionCall call, AttentionOperands gradients, long dOut, int sample) {
    List<Long> all = new ArrayList<>();
    addOperands(all, call.in(), sample);
    all.add(out(call.out(), sample));
    all.add(out(dOut, sample));
    all.add(rows(call.logSumExp(), sample));
    addOperands(all, gradients, sample);
    long next = address + boundBytes();
    all.add(next);
    next += rowSumBytes();
    if (headBytes() > 0) {
      all.add(next);
      all.add(next + headBytes());
      next += 2 * headBytes();
    }
    if (!deterministic) {
      all.add(next);
    }
    return withBounds(all, sample);
  }

  private void addOperands(List<Long> all, AttentionOperands operands, int sample) {
    long skipped = (long) sample * form.queryWidth() * DType.BF16.bytes();
    all.add(operands.queries() + skipped);
    all.add(operands.keys() + skipped);
    all.add(operands.values() + skipped);
  }

  private long out(long first, int sample) {
    return first + (long) sample * form.queries().outSize() * DType.BF16.bytes();
  }

  private long rows(long first, int sample) {
    AttentionShape shape = form.queries();
    return first + (long) sample * shape.numHeads() * shape.seqLength() * Float.BYTES;
  }

  private long[] withBounds(List<Long> all, int sample) {
    if (form.hasDocuments()) {
      for (long bound : bounds().addresses(sample)) {
        all.add(bound);
      }
    }
    return all.stream().mapToLong(Long::longValue).toArray();
  }
}
