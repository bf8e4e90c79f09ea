package io.tanuki4j.kernel;

/** Causal attention and its gradient as their definitions say, in fp64, a row at a time. */
final class AttentionFormula {
  private final double[] qkv;
  private final AttentionShape shape;
  private final int dim;
  private final double scale;
  private final double[] out;
  private final double[] logSumExp;

  AttentionFormula(double[] qkv, AttentionShape shape) {
    this.qkv = qkv;
    this.shape = shape;
    dim = shape.headDim();
    scale = 1 / Math.sqrt(dim);
    out = new double[shape.seqLength() * shape.batchSize() * shape.outSize()];
    logSumExp = new double[shape.batchSize() * shape.numHeads() * shape.seqLength()];
    forEachRow(this::forward);
  }

  double[] out() {
    return out;
  }

  double[] logSumExp() {
    return logSumExp;
  }

  double[] backward(double[] dOut) {
    double[] dQkv = new double[qkv.length];
    forEachRow((i, b, head) -> backward(dQkv, dOut, i, b, head));
    return dQkv;
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
    for (int j = 0; j <= i; j++) {
      int value = at(j, b, valueHead(head));
      for (int l = 0; l < dim; l++) {
        out[outAt(i, b, head) + l] += p[j] * qkv[value + l];
      }
    }
  }

  /** Of row i; its log of the sum of exponentials is kept. */
  private double[] probabilities(int i, int b, int head) {
    double[] p = new double[i + 1];
    double max = Double.NEGATIVE_INFINITY;
    for (int j = 0; j <= i; j++) {
      p[j] = scale * dot(qkv, at(i, b, head), qkv, at(j, b, keyHead(head)));
      max = Math.max(max, p[j]);
    }
    double sum = 0;
    for (int j = 0; j <= i; j++) {
      sum += Math.exp(p[j] - max);
    }
    double log = max + Math.log(sum);
    logSumExp[(b * shape.numHeads() + head) * shape.seqLength() + i] = log;
    for (int j = 0; j <= i; j++) {
      p[j] = Math.exp(p[j] - log);
    }
    return p;
  }

  private void backward(double[] dQkv, double[] dOut, int i, int b, int head) {
    double[] p = probabilities(i, b, head);
    int o = outAt(i, b, head);
    int query = at(i, b, head);
    double mean = dot(dOut, o, out, o);
    for (int j = 0; j <= i; j++) {
      int key = at(j, b, keyHead(head));
      int value = at(j, b, valueHead(head));
      double dScore = scale * p[j] * (dot(dOut, o, qkv, value) - mean);
      for (int l = 0; l < dim; l++) {
        dQkv[query + l] += dScore * qkv[key + l];
        dQkv[key + l] += dScore * qkv[query + l];
        dQkv[value + l] += p[j] * dOut[o + l];
      }
    }
  }

  private double dot(double[] a, int atA, double[] b, int atB) {
    double sum = 0;
    for (int l = 0; l < dim; l++) {
      sum += a[atA + l] * b[atB + l];
    }
    return sum;
  }

  private int keyHead(int head) {
    return shape.numHeads() + head / (shape.numHeads() / shape.numQueryGroups());
  }

  private int valueHead(int head) {
    return keyHead(head) + shape.numQueryGroups();
  }

  private int at(int position, int sample, int head) {
    return (position * shape.batchSize() + sample) * shape.qkvSize() + head * dim;
  }

  private int outAt(int position, int sample, int head) {
    return (position * shape.batchSize() + sample) * shape.outSize() + head * dim;
  }
}
