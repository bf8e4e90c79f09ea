package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * What every backend's kernels are tested with. A backend's test has a nested class per family that
 * extends the family's contract and opens the device.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class KernelContract {
  /** One element, less than a vector, a vector and one more, more than a block and one more. */
  protected static final int[] ODD_SIZES = {1, 7, 33, 257};

  private static final double STEP = 1e-5;

  /** The error of central differences: STEP² times a third derivative, and rounding over STEP. */
  private static final double GRADIENT_TOLERANCE = 1e-8;

  @RegisterExtension final LeakCheck leaks = new LeakCheck(() -> device().bytesInUse());

  @RegisterExtension final ContractResults results = new ContractResults();

  private Device device;
  protected GuardedMemory memory;

  /** A device of its own for the tests of this class. */
  protected abstract Device openDevice();

  /** The types this backend computes in. */
  protected Stream<DType> types() {
    return Stream.of(DType.F64, DType.F32, DType.BF16, DType.F16);
  }

  /** Sizes of rows and numbers of rows; a backend adds those that it treats in another way. */
  protected int[] sizes() {
    return ODD_SIZES;
  }

  /** The most exact of the types. */
  protected final DType widest() {
    return types().findFirst().orElseThrow();
  }

  /** Ends a test that takes differences of F64 values on a backend that has none. */
  protected final void requireF64() {
    assumeTrue(widest() == DType.F64, "this backend does not compute in F64");
  }

  @BeforeAll
  final void open() {
    device = openDevice();
  }

  @AfterAll
  final void close() {
    device.close();
  }

  @BeforeEach
  final void openMemory() {
    memory = new GuardedMemory(device);
  }

  @AfterEach
  final void closeMemory() {
    memory.close();
  }

  protected final Device device() {
    return device;
  }

  protected final Kernels kernels() {
    return device.kernels();
  }

  /** The type in which statistics and weight gradients of a type are kept. */
  protected static DType sumType(DType dtype) {
    return dtype == DType.F64 ? DType.F64 : DType.F32;
  }

  /**
   * One rounding of the output for types of sixteen bits; for the others some roundings of a sum,
   * relative to the size of its terms, which is about 1 in these tests.
   */
  protected static double tolerance(DType dtype) {
    return switch (dtype) {
      case F64 -> 1e-12;
      case F32 -> 2e-5;
      case F16 -> 0x1p-10;
      default -> 0x1p-8;
    };
  }

  protected final void assertClose(Tensor actual, double[] expected) {
    assertClose(actual, expected, tolerance(actual.dtype()));
  }

  /** Each within the tolerance, relative to its size or absolute below 1. */
  protected final void assertClose(Tensor actual, double[] expected, double tolerance) {
    double[] values = memory.values(actual);
    assertThat(values).hasSameSizeAs(expected);
    for (int i = 0; i < values.length; i++) {
      double allowed = tolerance * Math.max(1, Math.abs(expected[i]));
      assertThat(Math.abs(values[i] - expected[i]))
          .as("%s, element %d: %s, expected %s", actual, i, values[i], expected[i])
          .isLessThanOrEqualTo(allowed);
    }
  }

  /** Central differences of a function of the elements of {@code x}, which is F64. */
  protected final void assertGradient(Tensor gradient, Tensor x, ToDoubleFunction<Tensor> loss) {
    double[] at = memory.values(x);
    double[] expected = new double[at.length];
    for (int i = 0; i < at.length; i++) {
      expected[i] = (moved(x, at, i, STEP, loss) - moved(x, at, i, -STEP, loss)) / (2 * STEP);
    }
    assertClose(gradient, expected, GRADIENT_TOLERANCE);
  }

  private double moved(
      Tensor x, double[] at, int index, double step, ToDoubleFunction<Tensor> loss) {
    double[] values = Arrays.copyOf(at, at.length);
    values[index] += step;
    device.upload(x, HostValues.encode(values, x.dtype()));
    double result = loss.applyAsDouble(x);
    device.upload(x, HostValues.encode(at, x.dtype()));
    return result;
  }

  /** The function whose gradient with respect to {@code out} is {@code dOut}. */
  protected final double dot(Tensor out, Tensor dOut) {
    double[] a = memory.values(out);
    double[] b = memory.values(dOut);
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
