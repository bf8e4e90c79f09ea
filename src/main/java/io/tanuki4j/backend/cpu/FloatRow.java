package io.tanuki4j.backend.cpu;

import static io.tanuki4j.backend.cpu.FloatVectors.LANES;
import static io.tanuki4j.backend.cpu.FloatVectors.SPECIES;

import io.tanuki4j.backend.host.Block;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import io.tanuki4j.tensor.Tensor;
import java.nio.ShortBuffer;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * A row of floats, for F32 and types of sixteen bits. The array is longer than the row by up to a
 * vector. Elementwise operations run over whole vectors, into that padding, whose contents mean
 * nothing. Sums and maxima stop where the row ends.
 */
final class FloatRow implements Row {
  /** A sum is kept in floats over this many elements, beyond that in a double. */
  private static final int SUM_BLOCK = 1024;

  private final float[] lanes = new float[LANES];
  private float[] values = new float[0];
  private short[] halves = new short[0];
  private int length;

  @Override
  public void load(Tensor source, long first, int count) {
    setLength(count);
    long at = Block.firstByte(source, first);
    Block.Window window = Block.of(source).window(at);
    if (source.dtype().isFloat16()) {
      loadHalves(window.shorts(), Block.indexInWindow(at) / Short.BYTES, source.dtype());
    } else {
      window.floats().get(Block.indexInWindow(at) / Float.BYTES, values, 0, count);
    }
  }

  private void loadHalves(ShortBuffer memory, int at, DType dtype) {
    memory.get(at, halves(), 0, length);
    for (int i = 0; i < length; i++) {
      values[i] = Float16.toFloat(halves[i], dtype);
    }
  }

  @Override
  public void store(Tensor target, long first) {
    long at = Block.firstByte(target, first);
    Block.Window window = Block.of(target).window(at);
    if (target.dtype().isFloat16()) {
      storeHalves(window.shorts(), Block.indexInWindow(at) / Short.BYTES, target.dtype());
    } else {
      window.floats().put(Block.indexInWindow(at) / Float.BYTES, values, 0, length);
    }
  }

  private void storeHalves(ShortBuffer memory, int at, DType dtype) {
    halves();
    for (int i = 0; i < length; i++) {
      halves[i] = Float16.fromFloat(values[i], dtype);
    }
    memory.put(at, halves, 0, length);
  }

  private short[] halves() {
    if (halves.length < length) {
      halves = new short[length];
    }
    return halves;
  }

  @Override
  public void fill(double value, int count) {
    setLength(count);
    Arrays.fill(values, 0, count, (float) value);
  }

  @Override
  public void extend(int count) {
    int from = length;
    setLength(count);
    Arrays.fill(values, from, count, 0);
  }

  private void setLength(int count) {
    int padded = (count + LANES - 1) / LANES * LANES;
    if (values.length < padded) {
      values = Arrays.copyOf(values, padded);
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
    values[index] = (float) value;
  }

  @Override
  public double dot(Row other) {
    float[] x = of(other);
    double sum = 0;
    for (int from = 0; from < length; from += SUM_BLOCK) {
      int to = Math.min(length, from + SUM_BLOCK);
      int bound = to - to % LANES;
      FloatVector sums = FloatVector.zero(SPECIES);
      for (int i = from; i < bound; i += LANES) {
        sums = vector(values, i).fma(vector(x, i), sums);
      }
      sum += sumOfLanes(sums);
      for (int i = bound; i < to; i++) {
        sum += (double) values[i] * x[i];
      }
    }
    return sum;
  }

  @Override
  public double sumOfSquares() {
    double even = 0; // two sums, so that an addition need not wait for the one before
    double odd = 0;
    int pairs = length - length % 2;
    for (int i = 0; i < pairs; i += 2) {
      even += (double) values[i] * values[i];
      odd += (double) values[i + 1] * values[i + 1];
    }
    double last = pairs < length ? values[pairs] : 0;
    return even + odd + last * last;
  }

  private double sumOfLanes(FloatVector sums) {
    sums.intoArray(lanes, 0);
    double sum = 0;
    for (float lane : lanes) {
      sum += lane;
    }
    return sum;
  }

  @Override
  public double max() {
    int bound = length - length % LANES;
    FloatVector largest = FloatVector.broadcast(SPECIES, Float.NEGATIVE_INFINITY);
    for (int i = 0; i < bound; i += LANES) {
      largest = largest.max(vector(values, i));
    }
    largest.intoArray(lanes, 0);
    float max = Float.NEGATIVE_INFINITY;
    for (float lane : lanes) {
      max = Math.max(max, lane);
    }
    for (int i = bound; i < length; i++) {
      max = Math.max(max, values[i]);
    }
    return max;
  }

  @Override
  public double exp(double scale, double shift) {
    FloatVector minusShift = FloatVector.broadcast(SPECIES, (float) -shift);
    FloatVector factor = FloatVector.broadcast(SPECIES, (float) scale);
    double sum = 0;
    for (int from = 0; from < length; from += SUM_BLOCK) {
      int to = Math.min(length, from + SUM_BLOCK);
      int bound = to - to % LANES;
      FloatVector sums = FloatVector.zero(SPECIES);
      for (int i = from; i < bound; i += LANES) {
        FloatVector exp = FloatVectors.exp(vector(values, i).fma(factor, minusShift));
        exp.intoArray(values, i);
        sums = sums.add(exp);
      }
      sum += sumOfLanes(sums);
      if (bound < to) {
        FloatVectors.exp(vector(values, bound).fma(factor, minusShift)).intoArray(values, bound);
      }
      for (int i = bound; i < to; i++) {
        sum += values[i];
      }
    }
    return sum;
  }

  @Override
  public void add(Row other) {
    float[] x = of(other);
    for (int i = 0; i < length; i += LANES) {
      vector(values, i).add(vector(x, i)).intoArray(values, i);
    }
  }

  @Override
  public void scale(double factor) {
    FloatVector f = FloatVector.broadcast(SPECIES, (float) factor);
    for (int i = 0; i < length; i += LANES) {
      vector(values, i).mul(f).intoArray(values, i);
    }
  }

  @Override
  public void multiply(double factor, Row other) {
    float[] x = of(other);
    FloatVector f = FloatVector.broadcast(SPECIES, (float) factor);
    for (int i = 0; i < length; i += LANES) {
      vector(values, i).mul(f).mul(vector(x, i)).intoArray(values, i);
    }
  }

  @Override
  public void combine(double a, double b, Row other) {
    float[] x = of(other);
    FloatVector fa = FloatVector.broadcast(SPECIES, (float) a);
    FloatVector fb = FloatVector.broadcast(SPECIES, (float) b);
    for (int i = 0; i < length; i += LANES) {
      vector(values, i).mul(fa).add(vector(x, i).mul(fb)).intoArray(values, i);
    }
  }

  @Override
  public void addProduct(double factor, Row left, Row right) {
    float[] x = of(left);
    float[] y = of(right);
    FloatVector f = FloatVector.broadcast(SPECIES, (float) factor);
    for (int i = 0; i < length; i += LANES) {
      vector(x, i).mul(f).fma(vector(y, i), vector(values, i)).intoArray(values, i);
    }
  }

  @Override
  public void softmaxGradient(double factor, Row result, double mean) {
    float[] p = of(result);
    FloatVector f = FloatVector.broadcast(SPECIES, (float) factor);
    FloatVector m = FloatVector.broadcast(SPECIES, (float) mean);
    for (int i = 0; i < length; i += LANES) {
      vector(values, i).sub(m).mul(vector(p, i)).mul(f).intoArray(values, i);
    }
  }

  @Override
  public void rotate(int first, int half, Row cosines, Row sines, double direction) {
    float[] cos = of(cosines);
    float[] sin = of(sines);
    FloatVector sign = FloatVector.broadcast(SPECIES, (float) direction);
    int bound = half - half % LANES;
    for (int j = 0; j < bound; j += LANES) {
      FloatVector x1 = vector(values, first + j);
      FloatVector x2 = vector(values, first + half + j);
      FloatVector c = vector(cos, j);
      FloatVector s = vector(sin, j).mul(sign);
      x1.mul(c).sub(x2.mul(s)).intoArray(values, first + j);
      x2.mul(c).add(x1.mul(s)).intoArray(values, first + half + j);
    }
    for (int j = bound; j < half; j++) {
      float x1 = values[first + j];
      float x2 = values[first + half + j];
      float s = (float) direction * sin[j];
      values[first + j] = x1 * cos[j] - x2 * s;
      values[first + half + j] = x2 * cos[j] + x1 * s;
    }
  }

  @Override
  public void swiGlu(Row upRow) {
    float[] up = of(upRow);
    for (int i = 0; i < length; i += LANES) {
      FloatVector gate = vector(values, i);
      FloatVectors.sigmoid(gate).mul(gate).mul(vector(up, i)).intoArray(values, i);
    }
  }

  @Override
  public void swiGluGradient(Row upRow, Row gradient) {
    float[] up = of(upRow);
    float[] dOut = of(gradient);
    for (int i = 0; i < length; i += LANES) {
      FloatVector gate = vector(values, i);
      FloatVector grad = vector(dOut, i);
      FloatVector sigmoid = FloatVectors.sigmoid(gate);
      FloatVector silu = gate.mul(sigmoid);
      FloatVector slope = silu.mul(FloatVectors.oneMinus(sigmoid)).add(sigmoid);
      slope.mul(vector(up, i)).mul(grad).intoArray(values, i);
      silu.mul(grad).intoArray(up, i);
    }
  }

  @Override
  public void adamW(Row firstMoment, Row secondMoment, Row gradient, AdamWFactors f) {
    float[] m = of(firstMoment);
    float[] v = of(secondMoment);
    float[] grad = of(gradient);
    float beta1 = (float) f.beta1();
    float beta2 = (float) f.beta2();
    float rest1 = (float) (1 - f.beta1());
    float rest2 = (float) (1 - f.beta2());
    for (int i = 0; i < length; i += LANES) {
      FloatVector g = vector(grad, i).mul((float) f.clip());
      FloatVector first = vector(m, i).mul(beta1).add(g.mul(rest1));
      FloatVector second = vector(v, i).mul(beta2).add(g.mul(g).mul(rest2));
      FloatVector root = second.mul((float) f.secondScale()).sqrt().add((float) f.epsilon());
      FloatVector master = vector(values, i);
      FloatVector change = first.mul((float) f.rate()).div(root);
      first.intoArray(m, i);
      second.intoArray(v, i);
      master.sub(change.add(master.mul((float) f.decay()))).intoArray(values, i);
    }
  }

  private static FloatVector vector(float[] values, int at) {
    return FloatVector.fromArray(SPECIES, values, at);
  }

  private static float[] of(Row row) {
    return ((FloatRow) row).values;
  }
}
