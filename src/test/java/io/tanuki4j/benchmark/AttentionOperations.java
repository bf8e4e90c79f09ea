package io.tanuki4j.benchmark;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** Attention of whole sequences, and of ranks that share them. */
final class AttentionOperations {
  /** Matrix products of the backward for one of the forward. */
  private static final double BACKWARD = 2.5;

  private final BenchmarkShape shape;
  private final DType dtype;
  private final List<Operation> operations = new ArrayList<>();

  /**
   * @param dtype of activations
   */
  AttentionOperations(BenchmarkShape shape, DType dtype) {
    this.shape = shape;
    this.dtype = dtype;
  }

  List<Operation> all() {
    addCausal(shape.attention());
    if (shape.batch() > 1) {
      addCausal(shape.longAttention());
    }
    AttentionShape local = shape.longAttention();
    addBlock(new AttentionBlock(local, local.seqLength() / 2));
    addPassing(local);
    return operations;
  }

  /** The products of the lower triangle. */
  private void addCausal(AttentionShape a) {
    double flops = 2.0 * a.batchSize() * a.outSize() * Math.pow(a.seqLength(), 2);
    String sizes = ", s %d b %d".formatted(a.seqLength(), a.batchSize());
    operations.add(
        Operation.flops("causalAttentionForward" + sizes, flops, in -> new Causal(in, a)::forward));
    operations.add(
        Operation.flops(
            "causalAttentionBackward" + sizes,
            BACKWARD * flops,
            in -> {
              Causal attention = new Causal(in, a);
              attention.forward();
              return attention::backward;
            }));
  }

  private void addBlock(AttentionBlock block) {
    AttentionShape a = block.queries();
    double flops = 4.0 * a.batchSize() * a.outSize() * a.seqLength() * block.numKeys();
    String sizes = ", q %d k %d".formatted(a.seqLength(), block.numKeys());
    operations.add(
        Operation.flops(
            "blockAttentionForward" + sizes, flops, in -> new Block(in, block)::forward));
    operations.add(
        Operation.flops(
            "blockAttentionBackward" + sizes,
            BACKWARD * flops,
            in -> {
              Block attention = new Block(in, block);
              attention.forward();
              return attention::backward;
            }));
  }

  /** What is done beside the attention of blocks. */
  private void addPassing(AttentionShape a) {
    int s = a.seqLength();
    double outs = (double) s * a.outSize();
    double keyValues = (double) s * a.keyValueSize();
    operations.add(
        Operation.bytes(
            "mergeAttention",
            outs * (dtype.bytes() + 2 * DType.F32.bytes()),
            in -> {
              Tensor out = in.normal(DType.F32, s, 1, a.outSize());
              Tensor part = in.normal(dtype, s, 1, a.outSize());
              Tensor sums = in.filled(DType.F32, 0, 1, a.numHeads(), s);
              Tensor partSums = in.filled(DType.F32, 0, 1, a.numHeads(), s);
              return () -> in.kernels().attention().mergeAttention(out, sums, part, partSums, a);
            }));
    operations.add(
        Operation.bytes(
            "copyColumns, keys and values",
            2 * keyValues * dtype.bytes(),
            in -> columns(in, a, dtype, Accumulate.OVERWRITE)));
    operations.add(
        Operation.bytes(
            "copyColumns, gradients added",
            keyValues * (dtype.bytes() + 2 * DType.F32.bytes()),
            in -> columns(in, a, DType.F32, Accumulate.ADD)));
  }

  /** Copies keys and values out of a projection, or adds their gradients to the projection's. */
  private Runnable columns(
      BenchmarkTensors in, AttentionShape a, DType sumType, Accumulate accumulate) {
    Tensor qkv = in.normal(sumType, a.seqLength(), a.qkvSize());
    Tensor keyValues = in.normal(dtype, a.seqLength(), a.keyValueSize());
    int first = a.outSize();
    int count = a.keyValueSize();
    return accumulate == Accumulate.ADD
        ? () -> in.kernels().elementwise().copyColumns(qkv, first, keyValues, 0, count, accumulate)
        : () -> in.kernels().elementwise().copyColumns(keyValues, 0, qkv, first, count, accumulate);
  }

  private final class Causal {
    private final Kernels kernels;
    private final AttentionShape a;
    private final Tensor qkv;
    private final Tensor out;
    private final Tensor logSumExp;
    private final Tensor dQkv;
    private final Tensor dOut;

    Causal(BenchmarkTensors in, AttentionShape a) {
      this.kernels = in.kernels();
      this.a = a;
      this.qkv = in.normal(dtype, a.seqLength(), a.batchSize(), a.qkvSize());
      this.dQkv = in.normal(dtype, a.seqLength(), a.batchSize(), a.qkvSize());
      this.out = in.normal(dtype, a.seqLength(), a.batchSize(), a.outSize());
      this.dOut = in.normal(dtype, a.seqLength(), a.batchSize(), a.outSize());
      this.logSumExp = in.filled(DType.F32, 0, a.batchSize(), a.numHeads(), a.seqLength());
    }

    void forward() {
      kernels.attention().causalAttentionForward(out, logSumExp, qkv, a);
    }

    void backward() {
      kernels.attention().causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, a);
    }
  }

  private final class Block {
    private final Kernels kernels;
    private final AttentionBlock block;
    private final Tensor qkv;
    private final Tensor keyValues;
    private final Tensor out;
    private final Tensor logSumExp;
    private final Tensor dQueries;
    private final Tensor dKeyValues;
    private final Tensor dOut;

    Block(BenchmarkTensors in, AttentionBlock block) {
      AttentionShape a = block.queries();
      this.kernels = in.kernels();
      this.block = block;
      this.qkv = in.normal(dtype, a.seqLength(), a.batchSize(), a.qkvSize());
      this.keyValues = in.normal(dtype, block.numKeys(), a.batchSize(), block.keyValueSize());
      this.dKeyValues = in.normal(dtype, block.numKeys(), a.batchSize(), block.keyValueSize());
      this.out = in.normal(dtype, a.seqLength(), a.batchSize(), a.outSize());
      this.dOut = in.normal(dtype, a.seqLength(), a.batchSize(), a.outSize());
      this.dQueries = in.normal(dtype, a.seqLength(), a.batchSize(), a.outSize());
      this.logSumExp = in.filled(DType.F32, 0, a.batchSize(), a.numHeads(), a.seqLength());
    }

    void forward() {
      kernels.attention().blockAttentionForward(out, logSumExp, qkv, keyValues, block);
    }

    void backward() {
      kernels
          .attention()
          .blockAttentionBackward(
              dQueries, dKeyValues, dOut, out, logSumExp, qkv, keyValues, block);
    }
  }
}
