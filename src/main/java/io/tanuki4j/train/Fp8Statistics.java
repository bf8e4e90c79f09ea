package io.tanuki4j.train;

import static io.tanuki4j.kernel.Fp8Kernels.TALLY_SIZE;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.metrics.Fp8Metrics;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.nn.fp8.Fp8State.Role;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Counts on the device what the scales of FP8 tensors do to them, by kinds of tensors, for the log
 * ({@code --log-fp8}). All ranks ask together.
 */
public final class Fp8Statistics {
  private static final int ROLES = Role.values().length;
  private static final String WEIGHT = ".weight";

  private final Device device;
  private final ProcessGroup world;
  private final Fp8State fp8;
  private final List<String> layers;
  private final Tensor tallies;
  private final Tensor sums;
  private final Tensor largest;

  /**
   * Starts counting.
   *
   * @param layers the names' ends of the weights that share a kind, the same on all ranks
   * @param scope memory for as long as this is used
   */
  public Fp8Statistics(
      Device device, ProcessGroup world, Fp8State fp8, List<String> layers, MemoryScope scope) {
    this.device = device;
    this.world = world;
    this.fp8 = fp8;
    this.layers = List.copyOf(layers);
    this.tallies = fp8.startTallies(scope);
    int numKinds = layers.size() * ROLES;
    this.sums = scope.allocate(Shape.of((long) numKinds * TALLY_SIZE), DType.F64);
    this.largest = scope.allocate(Shape.of(numKinds), DType.F64);
  }

  /** Returns the numbers since the last call, of all ranks. Waits for the device. */
  Fp8Metrics take(long iteration) {
    double[] counts = new double[layers.size() * ROLES * TALLY_SIZE];
    double[] inverses = new double[layers.size() * ROLES];
    addOwn(counts, inverses);
    reduce(sums, counts, ReduceOp.SUM);
    reduce(largest, inverses, ReduceOp.MAX);
    List<Fp8Metrics.Kind> kinds = new ArrayList<>();
    for (int kind = 0; kind < inverses.length; kind++) {
      double all = counts[kind * TALLY_SIZE];
      if (all > 0) {
        double clipped = counts[kind * TALLY_SIZE + 1] / all;
        double zeros = counts[kind * TALLY_SIZE + 2] / all;
        kinds.add(new Fp8Metrics.Kind(name(kind), clipped, zeros, 1 / inverses[kind]));
      }
    }
    return new Fp8Metrics(iteration, kinds);
  }

  private String name(int kind) {
    String layer = layers.get(kind / ROLES);
    String role = Role.values()[kind % ROLES].name().toLowerCase(Locale.ROOT);
    return layer.substring(0, layer.length() - WEIGHT.length()) + "." + role;
  }

  /** Adds this rank's, and begins anew. The largest 1 / scale is that of the smallest scale. */
  private void addOwn(double[] counts, double[] inverses) {
    double[] own = download(tallies);
    device.kernels().elementwise().fill(tallies, 0);
    int from = 0;
    for (Parameter weight : fp8.weights()) {
      for (int role = 0; role < ROLES; role++) {
        int kind = layer(weight) * ROLES + role;
        for (int i = 0; i < TALLY_SIZE; i++) {
          counts[kind * TALLY_SIZE + i] += own[from + i];
        }
        if (own[from] > 0) {
          inverses[kind] = Math.max(inverses[kind], 1 / own[from + TALLY_SIZE - 1]);
        }
        from += TALLY_SIZE;
      }
    }
  }

  private int layer(Parameter weight) {
    for (int i = 0; i < layers.size(); i++) {
      if (weight.name().endsWith(layers.get(i))) {
        return i;
      }
    }
    throw new IllegalStateException("no kind of FP8 weight: " + weight.name());
  }

  private void reduce(Tensor tensor, double[] numbers, ReduceOp op) {
    ByteBuffer bytes = buffer(tensor);
    bytes.asDoubleBuffer().put(numbers);
    device.upload(tensor, bytes);
    world.allReduce(tensor, op).await();
    System.arraycopy(download(tensor), 0, numbers, 0, numbers.length);
  }

  private double[] download(Tensor tensor) {
    ByteBuffer bytes = buffer(tensor);
    device.download(bytes, tensor);
    double[] numbers = new double[Math.toIntExact(tensor.numElements())];
    bytes.rewind().asDoubleBuffer().get(numbers);
    return numbers;
  }

  private static ByteBuffer buffer(Tensor tensor) {
    return ByteBuffer.allocateDirect(Math.toIntExact(tensor.numBytes()))
        .order(ByteOrder.LITTLE_ENDIAN);
  }
}
