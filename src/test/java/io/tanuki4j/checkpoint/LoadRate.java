package io.tanuki4j.checkpoint;

import com.sun.management.OperatingSystemMXBean;
import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Measures how fast checkpoints load into the host's memory, next to reading the files: {@code
 * LoadRate FOLDER save|load [TIMES]}. Each time is followed by that of the processor's cores
 * together. The first one compiles, and touches the memory for the first time.
 */
final class LoadRate {
  private static final int NUM_TENSORS = 16;
  private static final Shape SHAPE = Shape.of(2048, 4096);
  private static final List<String> STATES = List.of("fp32_param.", "exp_avg.", "exp_avg_sq.");

  private LoadRate() {}

  public static void main(String[] arguments) throws IOException {
    CheckpointStore store = new CheckpointStore(Path.of(arguments[0]));
    try (Device device = new CpuBackend(1).openDevice(0);
        MemoryScope scope = device.openScope("tensors")) {
      List<ShardedTensor> model = new ArrayList<>();
      List<ShardedTensor> optimizer = new ArrayList<>();
      for (int i = 0; i < NUM_TENSORS; i++) {
        String name = "layers.%d.weight".formatted(i);
        model.add(new ShardedTensor(name, SHAPE, 0, 0, scope.allocate(SHAPE, DType.BF16)));
        for (String state : STATES) {
          Tensor memory = scope.allocate(SHAPE, DType.F32);
          optimizer.add(new ShardedTensor(state + name, SHAPE, 0, 0, memory));
        }
      }
      if (arguments[1].equals("save")) {
        TrainState state = new TrainState(1, 1, 0, 0, Map.of(), Map.of(), Map.of());
        measure("save", () -> store.save(device, state, model, optimizer));
        return;
      }
      Checkpoint checkpoint = store.latest().orElseThrow();
      for (int i = 0; i < (arguments.length < 3 ? 1 : Integer.parseInt(arguments[2])); i++) {
        measure("read", () -> read(checkpoint.folder()));
        measure(
            "load",
            () -> {
              checkpoint.load(device, StateKind.MODEL, model, 0);
              checkpoint.load(device, StateKind.OPTIMIZER, optimizer, 0);
            });
      }
    }
  }

  /** Reads as cat does: into one small buffer. */
  private static void read(Path folder) {
    ByteBuffer buffer = ByteBuffer.allocateDirect(1 << 18).alignedSlice(4096);
    try {
      for (Path file : Folders.list(folder)) {
        try (FileChannel channel = FileChannel.open(file)) {
          while (channel.read(buffer.clear()) >= 0) {}
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void measure(String what, Runnable task) {
    OperatingSystemMXBean system =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long processor = system.getProcessCpuTime();
    long start = System.nanoTime();
    task.run();
    double seconds = (System.nanoTime() - start) / 1e9;
    System.out.printf(
        Locale.ROOT,
        "%s %.3f s, %.2f GB/s; processor %.3f s%n",
        what,
        seconds,
        NUM_TENSORS * SHAPE.numElements() * (2 + 3 * 4) / 1e9 / seconds,
        (system.getProcessCpuTime() - processor) / 1e9);
  }
}
