package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Runs the same operations on two devices and compares what they computed. */
public final class TwoDevices implements AutoCloseable {
  /** Sums in fp32, in another order: five digits of the size of the whole output. */
  private static final double TOLERANCE_F32 = 1e-5;

  /** Both round the same numbers; where the last bit before differs, some fall the other way. */
  private static final double TOLERANCE_16 = 1e-3;

  /** A product rounded to sixteen bits before it is added, instead of the sum alone. */
  private static final double TOLERANCE_SUMS = 4e-3;

  /** Flash attention rounds its probabilities, too, and sums fewer of them at a time. */
  private static final double TOLERANCE_ATTENTION = 8e-3;

  /**
   * Products of eight bits: a matrix unit keeps 14 bits of their partial sums, so each sum may lack
   * some 2^-14 of its terms; measured were 6.1e-5.
   */
  private static final double TOLERANCE_FP8_SUMS = 0x1p-12;

  private final Named tested;
  private final Named expected;
  private final CalledOperations operations = new CalledOperations();
  private final Map<String, Integer> kept = new HashMap<>();
  private String test = "";
  private double largest;

  public TwoDevices(Named tested, Named expected) {
    this.tested = tested;
    this.expected = expected;
  }

  /**
   * A device of a backend.
   *
   * @param backend the name users give
   */
  public record Named(String backend, Device device) {}

  /** Begins a test, whose outputs are kept under this name. */
  void begin(String name) {
    test = name;
    largest = 0;
  }

  /** The operations that were compared so far. */
  Set<String> compared() {
    return operations.called();
  }

  /** The operations, given one side, return their outputs. */
  void compare(Function<Side, List<Tensor>> operations) {
    compare(operations, TOLERANCE_F32, TOLERANCE_16);
  }

  void compareSums(Function<Side, List<Tensor>> operations) {
    compare(operations, TOLERANCE_F32, TOLERANCE_SUMS);
  }

  void compareFp8Sums(Function<Side, List<Tensor>> operations) {
    compare(operations, TOLERANCE_FP8_SUMS, TOLERANCE_SUMS);
  }

  void compareAttention(Function<Side, List<Tensor>> operations) {
    compare(operations, TOLERANCE_F32, TOLERANCE_ATTENTION);
  }

  private void compare(
      Function<Side, List<Tensor>> outputs, double toleranceF32, double tolerance16) {
    try (GuardedMemory testedMemory = new GuardedMemory(tested.device());
        GuardedMemory expectedMemory = new GuardedMemory(expected.device())) {
      List<Tensor> actual = outputs.apply(side(tested, testedMemory));
      List<Tensor> wanted = outputs.apply(side(expected, expectedMemory));
      List<double[]> a = actual.stream().map(testedMemory::values).toList();
      List<double[]> b = wanted.stream().map(expectedMemory::values).toList();
      keep(name(wanted), a, b);
      for (int i = 0; i < wanted.size(); i++) {
        boolean rounded = isRounded(actual.get(0)) || isRounded(actual.get(i));
        double error = relativeError(a.get(i), b.get(i));
        largest = Math.max(largest, error);
        assertThat(error)
            .as("relative error of output %d, %s", i, wanted.get(i))
            .isLessThanOrEqualTo(rounded ? tolerance16 : toleranceF32);
      }
    }
  }

  private void keep(String name, List<double[]> actual, List<double[]> wanted) {
    for (int i = 0; i < wanted.size(); i++) {
      Outputs.keep(tested.backend(), name + "/" + i, actual.get(i));
      Outputs.keep(expected.backend(), name + "/" + i, wanted.get(i));
    }
  }

  private Side side(Named one, GuardedMemory memory) {
    return new Side(operations.watch(one.device().kernels()), memory);
  }

  /** The test, the shapes, and how many there were of them: the same on every backend. */
  private String name(List<Tensor> outputs) {
    String shapes =
        outputs.stream()
            .map(tensor -> Arrays.toString(tensor.shape().toArray()).replaceAll("[\\[\\] ]", ""))
            .collect(Collectors.joining(";"));
    String name = test + "/" + shapes;
    return name + "/" + kept.merge(name, 1, Integer::sum);
  }

  private static boolean isRounded(Tensor tensor) {
    return tensor.dtype().isFloat16() || tensor.dtype().isFloat8();
  }

  /** Of the whole, by squares; infinite if something is not a number on one side only. */
  private static double relativeError(double[] actual, double[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      if (Double.isNaN(actual[i]) != Double.isNaN(expected[i])) {
        return Double.POSITIVE_INFINITY;
      }
      if (!Double.isNaN(expected[i])) {
        difference += Math.pow(actual[i] - expected[i], 2);
        size += Math.pow(expected[i], 2);
      }
    }
    return difference == 0 ? 0 : Math.sqrt(difference / size);
  }

  /** The largest relative error of an output of the test. */
  double largest() {
    return largest;
  }

  static double[] repeated(double value, int count) {
    double[] values = new double[count];
    Arrays.fill(values, value);
    return values;
  }

  @Override
  public void close() {
    tested.device().close();
    expected.device().close();
  }

  /** One of the devices, with tensors that are the same on both. */
  record Side(Kernels kernels, GuardedMemory memory) {
    Tensor undefined(DType dtype, long... dims) {
      return memory.undefined(dtype, dims);
    }

    Tensor random(DType dtype, long seed, long... dims) {
      return memory.random(dtype, seed, dims);
    }

    Tensor randomWithNan(DType dtype, long seed, long rows, long columns) {
      double[] values = memory.values(memory.random(dtype, seed, rows, columns));
      values[(int) columns + 3] = Double.NaN;
      return memory.of(dtype, values, rows, columns);
    }

    Tensor of(DType dtype, double... values) {
      return memory.of(dtype, values, values.length);
    }

    Tensor ids(int count, int bound, long seed) {
      double[] values = new Random(seed).ints(count, 0, bound).asDoubleStream().toArray();
      return memory.of(DType.I32, values, count);
    }
  }
}
