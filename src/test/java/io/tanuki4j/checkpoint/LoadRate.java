package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Measures how fast checkpoints load into the host's memory: {@code LoadRate FOLDER save|load}. */
final class LoadRate {
  private static final int NUM_TENSORS = 40;
  private static final Shape SHAPE = Shape.of(2048, 4096);

  private LoadRate() {}

  public static void main(String[] arguments) {
    CheckpointStore store = new CheckpointStore(Path.of(arguments[0]));
    HostDevice device = new HostDevice();
    List<ShardedTensor> tensors = new ArrayList<>();
    for (int i = 0; i < NUM_TENSORS; i++) {
      tensors.add(
          new ShardedTensor(
              "layers.%d.weight".formatted(i), SHAPE, 0, 0, device.zeros(SHAPE, DType.F32)));
    }
    long bytes = tensors.stream().mapToLong(ShardedTensor::numBytes).sum();
    long start = System.nanoTime();
    if (arguments[1].equals("save")) {
      store.save(
          device, new TrainState(1, 1, 0, 0, Map.of(), Map.of(), Map.of()), tensors, List.of());
    } else {
      store.latest().orElseThrow().load(device, StateKind.MODEL, tensors, 0);
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(
        Locale.ROOT, "%s %.2f s, %.2f GB/s%n", arguments[1], seconds, bytes / 1e9 / seconds);
  }
}
