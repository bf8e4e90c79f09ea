package io.tanuki4j.kernel;

import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import java.util.Arrays;
import java.util.function.IntBinaryOperator;
import org.jspecify.annotations.Nullable;

/** Attention and its gradient as their definitions say, in fp64, a row at a time. */
final class AttentionFormula {
  private final Vectors queries;
  private final Vectors keys;
  private final Vectors values;
  private final AttentionShape shape;
  private final int numKeys;
  private final boolean causal;
  private final IntBinaryOperator firstKey;
  private final double scale;
  private final double[] out;
  private final double[] logSumExp;
  private double @Nullable [] ofAllKeys;

  /** Causal attention over a packed projection. */
  static AttentionFormula causal(double[] qkv, AttentionShape shape) {
    return causal(qkv, shape, (query, sample) -> 0);
  }

  /**
   * The same, of documents.
   *
   * @param firstKey of a query in a sample
   */
  static AttentionFormula causal(double[] qkv, AttentionShape shape, IntBinaryOperator firstKey) {
    int width = shape.qkvSize();
    int key = shape.outSize();
    int value = key + shape.keyValueSize() / 2;
    return new AttentionFormula(
        shape,
        shape.seqLength(),
        true,
        firstKey,
        new Vectors(qkv, width, 0),
        new Vectors(qkv, width, key),
        new Vectors(qkv, width, value));
  }

  /** Queries of a packed projection to keys and values apart from it. */
  static AttentionFormula block(double[] qkv, double[] keyValues, AttentionBlock block) {
    return block(qkv, keyValues, block, (query, sample) -> 0);
  }

  /**
   * The same, of documents.
   *
   * @param firstKey of a query in a sample; the number of keys if it sees none
   */
  static AttentionFormula block(
      double[] qkv, double[] keyValues, AttentionBlock block, IntBinaryOperator firstKey) {
    int width = block.keyValueSize();
    return new AttentionFormula(
        block.queries(),
        block.numKeys(),
        false,
        firstKey,
        new Vectors(qkv, block.queries().qkvSize(), 0),
        new Vectors(keyValues, width, 0),
        new Vectors(keyValues, width, width / 2));
  }

  private AttentionFormula(
      AttentionShape shape,
      int numKeys,
      boolean causal,
      IntBinaryOperator firstKey,
      Vectors queries,
      Vectors keys,
      Vectors values) {
    this.shape = shape;
    this.numKeys = numKeys;
    this.causal = causal;
    this.firstKey = firstKey;
    this.queries = queries;
    this.keys = keys;
    this.values = values;
    scale = 1 / Math.sqrt(shape.headDim());
    out = new double[shape.seqLength() * shape.batchSize() * shape.outSize()];
    logSumExp = new double[shape.batchSize() * shape.numHeads() * shape.seqLength()];
    forEachRow(this::forward);
  }

  /**
   * Vectors of heads in packed numbers.
   *
   * @param width of a token's
   * @param first where the first head's begin in it
   */
  private record Vectors(double[] numbers, int width, int first) {
    Vectors in(double[] others) {
      return new Vectors(others, width, first);
    }
  }

  double[] out() {
    return out;
  }

  double[] logSumExp() {
    return logSumExp;
  }

  /** The same block as a part of attention to more keys, whose logarithms are these. */
  AttentionFormula withLogSumExp(double[] ofAllKeys) {
    this.ofAllKeys = ofAllKeys;
    return this;
  }

  /**
   * The gradient of a packed projection, under causal attention.
   *
   * @param rounded the output that the backward reads, as a kernel has rounded it
   */
  double[] backward(double[] dOut, double[] rounded) {
    double[] dQkv = new double[queries.numbers().length];
    backward(dOut, rounded, queries.in(dQkv), keys.in(dQkv), values.in(dQkv));
    return dQkv;
  }

  /**
   * The gradients of a block.
   *
   * @param rounded the output that the backward reads, as a kernel has rounded it
   * @param dQueries {@code [q, b, n·d]}, added to
   * @param dKeyValues {@code [k, b, 2g·d]}, added to
   */
  void backward(double[] dOut, double[] rounded, double[] dQueries, double[] dKeyValues) {
    Vectors ofQueries = new Vectors(dQueries, shape.outSize(), 0);
    backward(dOut, rounded, ofQueries, keys.in(dKeyValues), values.in(dKeyValues));
  }

  private void backward(
      double[] dOut, double[] rounded, Vectors dQueries, Vectors dKeys, Vectors dValues) {
    forEachRow(
        (i, b, head) -> {
          int o = outAt(i, b, head);
          double mean = dot(dOut, o, rounded, o);
          backward(dOut, mean, dQueries, dKeys, dValues, i, b, head);
        });
  }

  private interface Row {
    void run(int position, int sample, int head);
  }

  private void forEachRow(Row row) {
    for (int i = 0; i < shape.seqLength(); i++) {
      for (int b = 0; b < shape.batchSize(); b++) {
        for (int head = 0; head < shape.numHeads(); head++) {
          row.run(i, b, head);
        }
      }
    }
  }

  private void forward(int i, int b, int head) {
    double[] p = probabilities(i, b, head);
    for (int j = 0; j < p.length; j++) {
      int value = at(values, j, b, group(head));
      for (int l = 0; l < shape.headDim(); l++) {
        out[outAt(i, b, head) + l] += p[j] * values.numbers()[value + l];
      }
    }
  }

  /** Of row i; its log of the sum of exponentials is kept. */
  private double[] probabilities(int i, int b, int head) {
    double[] p = new double[causal ? i + 1 : numKeys];
    Arrays.fill(p, Double.NEGATIVE_INFINITY);
    int query = at(queries, i, b, head);
    for (int j = firstKey.applyAsInt(i, b); j < p.length; j++) {
      int key = at(keys, j, b, group(head));
      p[j] = scale * dot(queries.numbers(), query, keys.numbers(), key);
    }
    double max = Arrays.stream(p).max().orElseThrow();
    double log =
        max == Double.NEGATIVE_INFINITY
            ? max
            : max + Math.log(Arrays.stream(p).map(score -> Math.exp(score - max)).sum());
    int row = (b * shape.numHeads() + head) * shape.seqLength() + i;
    logSumExp[row] = log;
    double whole = ofAllKeys == null ? log : ofAllKeys[row];
    return Arrays.stream(p)
        .map(score -> Double.isInfinite(score) ? 0 : Math.exp(score - whole))
        .toArray();
  }

  private void backward(
      double[] dOut,
      double mean,
      Vectors dQueries,
      Vectors dKeys,
      Vectors dValues,
      int i,
      int b,
      int head) {
    double[] p = probabilities(i, b, head);
    int o = outAt(i, b, head);
    int query = at(queries, i, b, head);
    int dQuery = at(dQueries, i, b, head);
    for (int j = 0; j < p.length; j++) {
      int key = at(keys, j, b, group(head));
      int value = at(values, j, b, group(head));
      double dScore = scale * p[j] * (dot(dOut, o, values.numbers(), value) - mean);
      for (int l = 0; l < shape.headDim(); l++) {
        dQueries.numbers()[dQuery + l] += dScore * keys.numbers()[key + l];
        dKeys.numbers()[key + l] += dScore * queries.numbers()[query + l];
        dValues.numbers()[value + l] += p[j] * dOut[o + l];
      }
    }
  }

  private double dot(double[] a, int atA, double[] b, int atB) {
    double sum = 0;
    for (int l = 0; l < shape.headDim(); l++) {
      sum += a[atA + l] * b[atB + l];
    }
    return sum;
  }

  private int group(int head) {
    return head / (shape.numHeads() / shape.numQueryGroups());
  }

  private int at(Vectors vectors, int position, int sample, int head) {
    int token = position * shape.batchSize() + sample;
    return token * vectors.width() + vectors.first() + head * shape.headDim();
  }

  private int outAt(int position, int sample, int head) {
    return (position * shape.batchSize() + sample) * shape.outSize() + head * shape.headDim();
  }
}
