package io.tanuki4j.parallel.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.kernel.Fp8Kernels.Window;
import io.tanuki4j.nn.Factor;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.Projection.SavedInput;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.nn.fp8.Fp8Config;
import io.tanuki4j.nn.fp8.Fp8Config.Recipe;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float8;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The three products against fp64 products of what the numbers become in eight bits. */
class Fp8ProjectionTest {
  private static final int SEQ = 16;
  private static final int BATCH = 2;
  private static final int TOKENS = SEQ * BATCH;
  private static final int IN = 48;
  private static final int OUT = 32;

  /** Sums of some dozen terms of about 1 in fp32. */
  private static final double SUMS = 1e-4;

  private final TestDevice device = new TestDevice();
  private final double[] x = normal(1, TOKENS * IN, 1);
  private final double[] weight = normal(2, OUT * IN, 0.02);
  private final double[] dOut = normal(3, TOKENS * OUT, 1e-5);
  private Parameter parameter;

  private static double[] normal(long seed, int count, double deviation) {
    Random random = new Random(seed);
    double[] values = new double[count];
    Arrays.setAll(values, i -> (float) (deviation * random.nextGaussian()));
    return values;
  }

  @BeforeEach
  void open() {
    Shape shape = Shape.of(OUT, IN);
    parameter =
        new Parameter(
            ParameterSpec.whole("weight", shape, 1, true),
            device.tensor(DType.F32, shape, weight),
            device.tensor(DType.F32, shape, new double[OUT * IN]));
  }

  @AfterEach
  void close() {
    device.close();
  }

  private record Products(double[] out, double[] dx, double[] dW) {}

  private Products run(boolean wideWeightGradients) {
    Fp8Config config =
        new Fp8Config(
            DType.F8_E5M2,
            Recipe.DELAYED,
            0,
            4,
            Window.MAX,
            wideWeightGradients,
            Fp8Config.Ends.NONE);
    ParallelContext alone = ParallelContext.single(device.device());
    Fp8State state =
        new Fp8State(
            config,
            List.of(parameter),
            device.kernels(),
            SharedScales.largest(alone, Recipe.DELAYED),
            device.scope());
    Fp8Projection projection =
        new Fp8Projection(
            device.kernels(),
            parameter,
            state,
            TensorRegion.of(alone, device.kernels().elementwise(), false),
            true,
            device.scope());
    Microbatch microbatch = TestDevice.beginning(device.microbatch(SEQ, BATCH, 2, 1));
    Tensor out = device.tensor(DType.F32, Shape.of(SEQ, BATCH, OUT), new double[TOKENS * OUT]);
    Tensor dx = device.tensor(DType.F32, Shape.of(SEQ, BATCH, IN), new double[TOKENS * IN]);

    SavedInput saved = projection.forward(out, factor(x, IN), microbatch);
    projection.backward(dx, saved, factor(dOut, OUT), microbatch);
    return new Products(device.read(out), device.read(dx), device.read(parameter.grad()));
  }

  private Factor factor(double[] values, int width) {
    Tensor tensor = device.tensor(DType.F32, Shape.of(SEQ, BATCH, width), values);
    return Factor.of(tensor, device.kernels().fp8());
  }

  @Test
  void products_are_those_of_the_scaled_numbers() {
    Products found = run(false);
    double[] x8 = inEightBits(x, DType.F8_E4M3);
    double[] w8 = inEightBits(weight, DType.F8_E4M3);
    double[] g8 = inEightBits(dOut, DType.F8_E5M2);
    assertNear(found.out, product(TOKENS, OUT, IN, (t, o, i) -> x8[t * IN + i] * w8[o * IN + i]));
    assertNear(found.dx, product(TOKENS, IN, OUT, (t, i, o) -> g8[t * OUT + o] * w8[o * IN + i]));
    assertNear(found.dW, product(OUT, IN, TOKENS, (o, i, t) -> g8[t * OUT + o] * x8[t * IN + i]));
  }

  @Test
  void wide_weight_gradients_are_those_of_the_numbers_themselves() {
    Products found = run(true);
    assertNear(found.dW, product(OUT, IN, TOKENS, (o, i, t) -> dOut[t * OUT + o] * x[t * IN + i]));
  }

  private interface Term {
    double of(int row, int column, int k);
  }

  private static double[] product(int rows, int columns, int terms, Term term) {
    double[] sums = new double[rows * columns];
    for (int i = 0; i < sums.length; i++) {
      for (int k = 0; k < terms; k++) {
        sums[i] += term.of(i / columns, i % columns, k);
      }
    }
    return sums;
  }

  /** Scaled so that the largest magnitude becomes the largest number, rounded, and back. */
  private static double[] inEightBits(double[] values, DType type) {
    double largest = Arrays.stream(values).map(Math::abs).max().orElseThrow();
    float scale = Float8.max(type) / (float) largest;
    return Arrays.stream(values)
        .map(value -> Float8.toFloat(Float8.fromFloat((float) value * scale, type), type) / scale)
        .toArray();
  }

  private static void assertNear(double[] actual, double[] expected) {
    double size = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("element %d", i).isCloseTo(expected[i], within(SUMS * size));
    }
  }
}
