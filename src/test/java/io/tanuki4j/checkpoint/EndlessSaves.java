package io.tanuki4j.checkpoint;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * A program that saves until it is killed: after the latest checkpoint come three new iterations,
 * each saved twice, and again the last. Every element of iteration i is i.
 */
final class EndlessSaves {
  static final int NUM_TENSORS = 12;
  static final Shape SHAPE = Shape.of(128, 256);

  private EndlessSaves() {}

  public static void main(String[] arguments) {
    CheckpointStore store = new CheckpointStore(Path.of(arguments[0]));
    HostDevice device = new HostDevice();
    long iteration = store.latest().map(latest -> latest.state().iteration()).orElse(0L);
    for (int i = 0; ; i++) {
      iteration += i % 2 == 0 && i < 6 ? 1 : 0;
      TrainState state =
          new TrainState(iteration, iteration, 0, 0, Map.of(), Map.of(), Map.of("save", i));
      store.save(
          device, state, tensors(device, "", iteration), tensors(device, "exp_avg.", iteration));
      System.out.println(iteration);
    }
  }

  static List<ShardedTensor> tensors(HostDevice device, String prefix, long value) {
    float[] values = new float[(int) SHAPE.numElements()];
    Arrays.fill(values, (float) value);
    List<ShardedTensor> tensors = new ArrayList<>();
    for (int i = 0; i < NUM_TENSORS; i++) {
      tensors.add(
          new ShardedTensor(
              prefix + "layers.%d.weight".formatted(i),
              SHAPE,
              0,
              0,
              device.tensor(SHAPE, DType.F32, values)));
    }
    return tensors;
  }
}
