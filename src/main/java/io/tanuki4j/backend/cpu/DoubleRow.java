package io.tanuki4j.backend.cpu;

import io.tanuki4j.backend.host.Block;
import io.tanuki4j.tensor.Tensor;
import java.nio.DoubleBuffer;
import java.util.Arrays;

/** A row of doubles in plain loops: for gradient checks, and to read the formulas in. */
final class DoubleRow implements Row {
  private double[] values = new double[0];
  private int length;

  @Override
  public void load(Tensor source, long first, int count) {
    setLength(count);
    long at = Block.firstByte(source, first);
    DoubleBuffer memory = Block.of(source).window(at).doubles();
    memory.get(Block.indexInWindow(at) / Double.BYTES, values, 0, count);
  }

  @Override
  public void store(Tensor target, long first) {
    long at = Block.firstByte(target, first);
    DoubleBuffer memory = Block.of(target).window(at).doubles();
    memory.put(Block.indexInWindow(at) / Double.BYTES, values, 0, length);
  }

  @Override
  public void fill(double value, int count) {
    setLength(count);
    Arrays.fill(values, 0, count, value);
  }

  @Override
  public void extend(int count) {
    int from = length;
    setLength(count);
    Arrays.fill(values, from, count, 0);
  }

  private void setLength(int count) {
    if (values.length < count) {
      values = Arrays.copyOf(values, count);
    }
    length = count;
  }

  @Override
  public int length() {
    return length;
  }

  @Override
  public double get(int index) {
    return values[index];
  }

  @Override
  public void set(int index, double value) {
    values[index] = value;
  }

  @Override
  public double dot(Row other) {
    double[] x = of(other);
    double sum = 0;
    for (int i = 0; i < length; i++) {
      sum += values[i] * x[i];
    }
    return sum;
  }

  @Override
  public double sumOfSquares() {
    return dot(this);
  }

  @Override
  public double max() {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < length; i++) {
      max = Math.max(max, values[i]);
    }
    return max;
  }

  @Override
  public double exp(double scale, double shift) {
    double sum = 0;
    for (int i = 0; i < length; i++) {
      values[i] = Math.exp(scale * values[i] - shift);
      sum += values[i];
    }
    return sum;
  }

  @Override
  public void add(Row other) {
    double[] x = of(other);
    for (int i = 0; i < length; i++) {
      values[i] += x[i];
    }
  }

  @Override
  public void scale(double factor) {
    for (int i = 0; i < length; i++) {
      values[i] *= factor;
    }
  }

  @Override
  public void multiply(double factor, Row other) {
    double[] x = of(other);
    for (int i = 0; i < length; i++) {
      values[i] *= factor * x[i];
    }
  }

  @Override
  public void combine(double a, double b, Row other) {
    double[] x = of(other);
    for (int i = 0; i < length; i++) {
      values[i] = a * values[i] + b * x[i];
    }
  }

  @Override
  public void addProduct(double factor, Row left, Row right) {
    double[] x = of(left);
    double[] y = of(right);
    for (int i = 0; i < length; i++) {
      values[i] += factor * x[i] * y[i];
    }
  }

  @Override
  public void softmaxGradient(double factor, Row result, double mean) {
    double[] p = of(result);
    for (int i = 0; i < length; i++) {
      values[i] = factor * p[i] * (values[i] - mean);
    }
  }

  @Override
  public void rotate(int first, int half, Row cosines, Row sines, double direction) {
    double[] cos = of(cosines);
    double[] sin = of(sines);
    for (int j = 0; j < half; j++) {
      double x1 = values[first + j];
      double x2 = values[first + half + j];
      double s = direction * sin[j];
      values[first + j] = x1 * cos[j] - x2 * s;
      values[first + half + j] = x2 * cos[j] + x1 * s;
    }
  }

  @Override
  public void swiGlu(Row upRow) {
    double[] up = of(upRow);
    for (int i = 0; i < length; i++) {
      values[i] = values[i] / (1 + Math.exp(-values[i])) * up[i];
    }
  }

  @Override
  public void swiGluGradient(Row upRow, Row gradient) {
    double[] up = of(upRow);
    double[] dOut = of(gradient);
    for (int i = 0; i < length; i++) {
      double gate = values[i];
      double sigmoid = 1 / (1 + Math.exp(-gate));
      double silu = gate * sigmoid;
      values[i] = dOut[i] * up[i] * (sigmoid + silu * (1 - sigmoid));
      up[i] = dOut[i] * silu;
    }
  }

  @Override
  public void adamW(Row firstMoment, Row secondMoment, Row gradient, AdamWFactors f) {
    double[] m = of(firstMoment);
    double[] v = of(secondMoment);
    double[] grad = of(gradient);
    for (int i = 0; i < length; i++) {
      double g = f.clip() * grad[i];
      m[i] = f.beta1() * m[i] + (1 - f.beta1()) * g;
      v[i] = f.beta2() * v[i] + (1 - f.beta2()) * g * g;
      double change = f.rate() * m[i] / (Math.sqrt(v[i] * f.secondScale()) + f.epsilon());
      values[i] -= change + f.decay() * values[i];
    }
  }

  private static double[] of(Row row) {
    return ((DoubleRow) row).values;
  }
}
