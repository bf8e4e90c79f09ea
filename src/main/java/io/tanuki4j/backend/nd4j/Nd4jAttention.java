package io.tanuki4j.backend.nd4j;

import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;

/** Causal attention, query by query. */
final class Nd4jAttention implements AttentionKernels {
  private final Workers workers;

  Nd4jAttention(Workers workers) {
    this.workers = workers;
  }

  @Override
  public void causalAttentionForward(
      Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    check(out, logSumExp, qkv, shape);
    workers.run(
        shape.batchSize() * shape.numHeads(),
        (index, scratch) -> {
          Head head = new Head(qkv, shape, index / shape.numHeads(), index % shape.numHeads());
          head.forward(out, logSumExp, scratch);
        });
  }

  @Override
  public void causalAttentionBackward(
      Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    check(out, logSumExp, qkv, shape);
    check(dOut, logSumExp, dQkv, shape);
    int groups = shape.numQueryGroups();
    workers.run(
        shape.batchSize() * groups,
        (index, scratch) -> {
          GroupBackward group = new GroupBackward(qkv, shape, index / groups, index % groups);
          group.run(dQkv, dOut, out, logSumExp, scratch);
        });
  }

  private static void check(Tensor out, Tensor logSumExp, Tensor qkv, AttentionShape shape) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    Expect.matrix("qkv of attention", qkv, tokens, shape.qkvSize());
    Expect.matrix("out of attention", out, tokens, shape.outSize());
    Expect.elements("logSumExp of attention", logSumExp, tokens * shape.numHeads());
    Expect.sameType("out of attention", out, qkv);
    Expect.sumType("logSumExp of attention", logSumExp, qkv);
  }

  /** Where the vectors of one head of one sequence begin in packed tensors. */
  private record Head(Tensor qkv, AttentionShape shape, int sequence, int head) {
    private static final int QUERY = 0;
    private static final int SCORES = 1;
    private static final int KEYS = 2;
    private static final int VALUES = 3;
    private static final int SUM = 4;

    int keyHead() {
      int group = head / (shape.numHeads() / shape.numQueryGroups());
      return shape.numHeads() + group;
    }

    int valueHead() {
      return keyHead() + shape.numQueryGroups();
    }

    long inQkv(int position, int packedHead) {
      long token = (long) position * shape.batchSize() + sequence;
      return token * shape.qkvSize() + (long) packedHead * shape.headDim();
    }

    long inOut(int position) {
      long token = (long) position * shape.batchSize() + sequence;
      return token * shape.outSize() + (long) head * shape.headDim();
    }

    long inLogSumExp(int position) {
      return ((long) sequence * shape.numHeads() + head) * shape.seqLength() + position;
    }

    /** The vectors of every position, {@code [s, d]}. */
    double[] loadAll(int packedHead, int slot, Scratch scratch) {
      int d = shape.headDim();
      double[] vectors = scratch.doubles(slot, shape.seqLength() * d);
      for (int i = 0; i < shape.seqLength(); i++) {
        Elements.load(vectors, i * d, qkv, inQkv(i, packedHead), d);
      }
      return vectors;
    }

    void forward(Tensor out, Tensor logSumExp, Scratch scratch) {
      int d = shape.headDim();
      double[] keys = loadAll(keyHead(), KEYS, scratch);
      double[] values = loadAll(valueHead(), VALUES, scratch);
      double[] query = scratch.doubles(QUERY, d);
      double[] scores = scratch.doubles(SCORES, shape.seqLength());
      double[] sum = scratch.doubles(SUM, d);
      for (int i = 0; i < shape.seqLength(); i++) {
        Elements.load(query, 0, qkv, inQkv(i, head), d);
        double lse = softmax(query, keys, i + 1, scores);
        Arrays.fill(sum, 0, d, 0);
        for (int j = 0; j <= i; j++) {
          addScaled(sum, 0, scores[j], values, j * d, d);
        }
        Elements.store(out, inOut(i), sum, 0, d);
        Elements.set(logSumExp, inLogSumExp(i), lse);
      }
    }

    /** Probabilities of the first {@code count} keys; returns the logarithm of the denominator. */
    private double softmax(double[] query, double[] keys, int count, double[] scores) {
      int d = shape.headDim();
      double max = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < count; j++) {
        scores[j] = dot(query, 0, keys, j * d, d) / Math.sqrt(d);
        max = Math.max(max, scores[j]);
      }
      double sum = 0;
      for (int j = 0; j < count; j++) {
        sum += Math.exp(scores[j] - max);
      }
      double lse = max + Math.log(sum);
      for (int j = 0; j < count; j++) {
        scores[j] = Math.exp(scores[j] - lse);
      }
      return lse;
    }
  }

  /** Gradients of the query heads that share a key and a value head, and of these two. */
  private record GroupBackward(Tensor qkv, AttentionShape shape, int sequence, int group) {
    private static final int D_KEYS = 4;
    private static final int D_VALUES = 5;
    private static final int VECTORS = 6;

    void run(Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Scratch scratch) {
      int d = shape.headDim();
      int s = shape.seqLength();
      int headsPerGroup = shape.numHeads() / shape.numQueryGroups();
      Head first = new Head(qkv, shape, sequence, group * headsPerGroup);
      double[] dKeys = scratch.doubles(D_KEYS, s * d);
      double[] dValues = scratch.doubles(D_VALUES, s * d);
      Arrays.fill(dKeys, 0, s * d, 0);
      Arrays.fill(dValues, 0, s * d, 0);
      first.loadAll(first.keyHead(), Head.KEYS, scratch);
      first.loadAll(first.valueHead(), Head.VALUES, scratch);
      for (int h = 0; h < headsPerGroup; h++) {
        Head head = new Head(qkv, shape, sequence, first.head() + h);
        for (int i = 0; i < s; i++) {
          backward(head, i, dQkv, dOut, out, logSumExp, scratch);
        }
      }
      for (int i = 0; i < s; i++) {
        Elements.store(dQkv, first.inQkv(i, first.keyHead()), dKeys, i * d, d);
        Elements.store(dQkv, first.inQkv(i, first.valueHead()), dValues, i * d, d);
      }
    }

    private void backward(
        Head head, int i, Tensor dQkv, Tensor dOut, Tensor out, Tensor logSumExp, Scratch scratch) {
      int d = shape.headDim();
      double[] vectors = scratch.doubles(VECTORS, 4 * d); // query, dOut, out, dQuery
      double[] keys = scratch.doubles(Head.KEYS, 0);
      double[] values = scratch.doubles(Head.VALUES, 0);
      Elements.load(vectors, 0, qkv, head.inQkv(i, head.head()), d);
      Elements.load(vectors, d, dOut, head.inOut(i), d);
      Elements.load(vectors, 2 * d, out, head.inOut(i), d);
      Arrays.fill(vectors, 3 * d, 4 * d, 0);
      double lse = Elements.get(logSumExp, head.inLogSumExp(i));
      double mean = dot(vectors, d, vectors, 2 * d, d);
      for (int j = 0; j <= i; j++) {
        double p = Math.exp(dot(vectors, 0, keys, j * d, d) / Math.sqrt(d) - lse);
        double dScore = p * (dot(vectors, d, values, j * d, d) - mean) / Math.sqrt(d);
        addScaled(scratch.doubles(D_VALUES, 0), j * d, p, vectors, d, d);
        addScaled(scratch.doubles(D_KEYS, 0), j * d, dScore, vectors, 0, d);
        addScaled(vectors, 3 * d, dScore, keys, j * d, d);
      }
      Elements.store(dQkv, head.inQkv(i, head.head()), vectors, 3 * d, d);
    }
  }

  private static double dot(double[] a, int aFrom, double[] b, int bFrom, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += a[aFrom + i] * b[bFrom + i];
    }
    return sum;
  }

  private static void addScaled(
      double[] to, int toFrom, double factor, double[] b, int bFrom, int count) {
    for (int i = 0; i < count; i++) {
      to[toFrom + i] += factor * b[bFrom + i];
    }
  }
}
