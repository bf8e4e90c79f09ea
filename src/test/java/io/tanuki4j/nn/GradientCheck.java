package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.DoubleSupplier;

/**
 * Compares gradients with central differences of two steps in fp64 (Richardson's extrapolation):
 * for each variable along random directions of unit length, and for single elements.
 */
public final class GradientCheck {
  /** The error of the differences themselves is of order STEP⁴. */
  private static final double STEP = 1e-4;

  /** What central differences in fp64 reach on these smooth functions, with a margin of ten. */
  private static final double RELATIVE_TOLERANCE = 1e-6;

  private static final double ABSOLUTE_TOLERANCE = 1e-7;
  private static final int NUM_DIRECTIONS = 3;
  private static final int NUM_ELEMENTS = 4;

  /** What gradients of parameters start from, so that one that is not added to shows. */
  private static final double GRAD_START = 0.25;

  private final TestDevice device;
  private final List<Variable> variables = new ArrayList<>();
  private final Random random = new Random(17);

  public GradientCheck(TestDevice device) {
    this.device = device;
  }

  private record Variable(String name, Tensor value, Tensor grad, double gradStart) {}

  /** A variable whose gradient is overwritten. */
  public GradientCheck input(String name, Tensor value, Tensor grad) {
    variables.add(new Variable(name, value, grad, 0));
    return this;
  }

  /** Variables whose gradients are added to. */
  public GradientCheck parameters(List<Parameter> parameters) {
    for (Parameter parameter : parameters) {
      variables.add(
          new Variable(parameter.name(), parameter.value(), parameter.grad(), GRAD_START));
    }
    return this;
  }

  /**
   * @param gradients fills the gradients of all variables at their present values
   * @param loss the function at the present values
   */
  public void verify(Runnable gradients, DoubleSupplier loss) {
    run(gradients);
    for (Variable variable : variables) {
      verify(variable, loss);
    }
  }

  /**
   * Checks all variables at once, along random directions in which each of them moves equally far:
   * for functions that take long.
   *
   * @return the largest relative error of a derivative
   */
  public double verifyTogether(Runnable gradients, DoubleSupplier loss) {
    run(gradients);
    double largest = 0;
    for (int i = 0; i < NUM_DIRECTIONS; i++) {
      Direction direction = new Direction();
      double expected = 0;
      for (Variable variable : variables) {
        double[] grad = gradient(variable);
        double[] part = direction(grad.length);
        Arrays.setAll(part, j -> part[j] / Math.sqrt(variables.size()));
        direction.add(variable.value(), part);
        expected += dot(grad, part);
      }
      double difference = difference(direction, loss);
      assertDerivative(difference, expected, "all variables, direction " + i);
      largest = Math.max(largest, Math.abs(difference / expected - 1));
    }
    return largest;
  }

  /** Fills all gradients. */
  private void run(Runnable gradients) {
    variables.forEach(
        variable ->
            device
                .kernels()
                .elementwise()
                .fill(variable.grad(), variable.gradStart() == 0 ? Double.NaN : GRAD_START));
    gradients.run();
  }

  /** What a variable's gradient has gained. */
  private double[] gradient(Variable variable) {
    double[] grad = device.read(variable.grad());
    Arrays.setAll(grad, i -> grad[i] - variable.gradStart());
    assertThat(grad).as("gradient of %s", variable.name()).doesNotContain(Double.NaN);
    return grad;
  }

  /**
   * Checks a layer under the loss {@code sum of out · r} with random r.
   *
   * @param seqLength s, with a batch size of 2
   * @param inWidth width of the input {@code [s, 2, inWidth]}
   * @param outWidth width of the output
   */
  public static <S> void ofLayer(
      TestDevice device, Layer<S> layer, int seqLength, int inWidth, int outWidth) {
    Tensor x = device.random(Shape.of(seqLength, 2, inWidth), 1);
    Tensor dOut = device.random(Shape.of(seqLength, 2, outWidth), 2);
    Tensor dx = device.scope().allocate(x.shape(), DType.F64);
    Tensor out = device.scope().allocate(dOut.shape(), DType.F64);
    Microbatch microbatch = device.microbatch(seqLength, 2, 1, 3);

    new GradientCheck(device)
        .input("x", x, dx)
        .parameters(layer.parameters())
        .verify(
            () -> {
              try (MemoryScope scope = device.scope().child("check")) {
                Microbatch scoped = microbatch.withScope(scope);
                layer.backward(dx, layer.forward(out, x, scoped), dOut, scoped);
              }
            },
            () -> {
              try (MemoryScope scope = device.scope().child("check")) {
                layer.forward(out, x, microbatch.withScope(scope));
              }
              return dot(device.read(out), device.read(dOut));
            });
  }

  private void verify(Variable variable, DoubleSupplier loss) {
    double[] grad = gradient(variable);
    for (int i = 0; i < NUM_DIRECTIONS; i++) {
      verify(variable, grad, direction(grad.length), "direction " + i, loss);
    }
    for (int i = 0; i < NUM_ELEMENTS; i++) {
      double[] element = new double[grad.length];
      int index = random.nextInt(grad.length);
      element[index] = 1;
      verify(variable, grad, element, "element " + index, loss);
    }
  }

  private void verify(
      Variable variable, double[] grad, double[] part, String what, DoubleSupplier loss) {
    Direction direction = new Direction();
    direction.add(variable.value(), part);
    assertDerivative(difference(direction, loss), dot(grad, part), variable.name() + ", " + what);
  }

  private static void assertDerivative(double difference, double expected, String what) {
    assertThat(difference)
        .as("derivative of the loss by %s", what)
        .isCloseTo(expected, within(ABSOLUTE_TOLERANCE + RELATIVE_TOLERANCE * Math.abs(expected)));
  }

  private static double difference(Direction direction, DoubleSupplier loss) {
    double near = direction.difference(STEP, loss);
    double far = direction.difference(2 * STEP, loss);
    direction.moveTo(0);
    return (4 * near - far) / 3;
  }

  /** Tensors that move away from where they are, each along its part of a direction. */
  private final class Direction {
    private final List<Runnable> moves = new ArrayList<>();
    private double step;

    void add(Tensor value, double[] part) {
      double[] start = device.read(value);
      double[] moved = new double[start.length];
      moves.add(
          () -> {
            Arrays.setAll(moved, i -> start[i] + step * part[i]);
            device.write(value, moved);
          });
    }

    void moveTo(double to) {
      step = to;
      moves.forEach(Runnable::run);
    }

    double difference(double to, DoubleSupplier loss) {
      moveTo(to);
      double after = loss.getAsDouble();
      moveTo(-to);
      return (after - loss.getAsDouble()) / (2 * to);
    }
  }

  private double[] direction(int size) {
    double[] direction = new double[size];
    Arrays.setAll(direction, i -> random.nextGaussian());
    double length = Math.sqrt(dot(direction, direction));
    Arrays.setAll(direction, i -> direction[i] / length);
    return direction;
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }
}
