package io.tanuki4j.benchmark;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** Attention within documents, of one length each and mixed. */
final class DocumentOperations {
  private static final double BACKWARD = 2.5;
  private static final int[] LENGTHS = {500, 1000, 2000, 4000, 8192};
  private static final int[] MIXED = {3000, 40, 700, 1500, 220, 90, 1800, 330, 512};

  private final BenchmarkShape sizes;
  private final DType dtype;
  private final List<Operation> operations = new ArrayList<>();

  /**
   * @param dtype of activations
   */
  DocumentOperations(BenchmarkShape shape, DType dtype) {
    this.sizes = shape;
    this.dtype = dtype;
  }

  List<Operation> all() {
    AttentionShape whole = sizes.longAttention();
    for (int length : LENGTHS) {
      add(whole, "documents of " + length, length);
    }
    add(whole, "mixed documents", MIXED);
    add(sizes.attention(), "documents of 1500 in samples", 1500);
    return operations;
  }

  private void add(AttentionShape shape, String name, int... lengths) {
    int[] starts = starts(shape.seqLength(), lengths);
    double flops =
        4.0
            * shape.batchSize()
            * shape.outSize()
            * IntStream.range(0, starts.length).mapToLong(i -> i - starts[i] + 1).sum();
    operations.add(
        Operation.flops(
            name + ", forward", flops, in -> new Documents(in, shape, starts)::forward));
    operations.add(
        Operation.flops(
            name + ", backward",
            BACKWARD * flops,
            in -> {
              Documents attention = new Documents(in, shape, starts);
              attention.forward();
              return attention::backward;
            }));
  }

  /** Returns where each token's document begins; the lengths repeat to the sequence's end. */
  private static int[] starts(int seqLength, int... lengths) {
    int[] starts = new int[seqLength];
    int next = 0;
    for (int i = 0; next < starts.length; i++) {
      int start = next;
      next = Math.min(starts.length, next + lengths[i % lengths.length]);
      Arrays.fill(starts, start, next, start);
    }
    return starts;
  }

  private final class Documents {
    private final Kernels kernels;
    private final AttentionShape shape;
    private final Tensor qkv;
    private final Tensor out;
    private final Tensor logSumExp;
    private final Tensor dQkv;
    private final Tensor dOut;
    private final AttentionMask mask;

    Documents(BenchmarkTensors in, AttentionShape shape, int[] starts) {
      this.shape = shape;
      int s = shape.seqLength();
      int b = shape.batchSize();
      this.kernels = in.kernels();
      this.qkv = in.normal(dtype, s, b, shape.qkvSize());
      this.dQkv = in.normal(dtype, s, b, shape.qkvSize());
      this.out = in.normal(dtype, s, b, shape.outSize());
      this.dOut = in.normal(dtype, s, b, shape.outSize());
      this.logSumExp = in.filled(DType.F32, 0, b, shape.numHeads(), s);
      int count = (int) IntStream.of(starts).distinct().count();
      this.mask =
          AttentionMask.ofDocuments(
              in.ids(IntStream.range(0, s * b).map(i -> starts[i / b]).toArray()), count);
    }

    void forward() {
      kernels.attention().causalAttentionForward(out, logSumExp, qkv, shape, mask);
    }

    void backward() {
      kernels.attention().causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape, mask);
    }
  }
}
