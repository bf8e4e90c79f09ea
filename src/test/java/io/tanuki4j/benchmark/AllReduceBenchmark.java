package io.tanuki4j.benchmark;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.comm.rendezvous.RankEnvironment;
import io.tanuki4j.comm.rendezvous.RankProcess;
import io.tanuki4j.comm.socket.SocketFactory;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Times all-reduces of a fp32 and a bf16 tensor of several sizes. With a number as argument, among
 * that many threads; without, as one of the processes that the environment tells of.
 */
public final class AllReduceBenchmark {
  private static final int[] SIZES = {16, 1 << 16, 1 << 20, 1 << 26};
  private static final Duration LIMIT = Duration.ofMinutes(1);
  private static final int REPEATS = 3;

  private AllReduceBenchmark() {}

  public static void main(String[] words) throws Exception {
    if (words.length == 1) {
      RankThreads.run(Integer.parseInt(words[0]), LIMIT, seat -> run("threads", seat));
    } else {
      RankProcess.run(
          RankEnvironment.of(System.getenv()),
          LIMIT,
          SocketFactory::open,
          seat -> run("processes", seat));
    }
  }

  private static void run(String what, RankConnection seat) {
    try (CpuBackend backend = new CpuBackend(1);
        Device device = backend.openDevice(0);
        ProcessGroupFactory factory = seat.processGroups(device);
        MemoryScope scope = device.openScope("benchmark")) {
      List<Integer> all = IntStream.range(0, seat.worldSize()).boxed().toList();
      ProcessGroup group = factory.create("world", List.of(all));
      for (DType dtype : new DType[] {DType.F32, DType.BF16}) {
        for (int bytes : SIZES) {
          Tensor tensor = scope.allocate(Shape.of(bytes / dtype.bytes()), dtype);
          device.kernels().elementwise().fill(tensor, 0);
          double micros = time(group, tensor, bytes > 1 << 22 ? 12 : 400);
          if (group.rank() == 0) {
            System.out.printf(
                "%d %s %s %d bytes: %.0f us, %.2f GB/s%n",
                group.size(), what, dtype, bytes, micros, bytes / micros / 1e3);
          }
        }
      }
      group.barrier();
    }
  }

  /** Microseconds of one, in the best of several rounds. */
  private static double time(ProcessGroup group, Tensor tensor, int rounds) {
    double best = Double.MAX_VALUE;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
      group.barrier();
      long start = System.nanoTime();
      for (int round = 0; round < rounds; round++) {
        group.allReduce(tensor, ReduceOp.SUM).await();
      }
      best = Math.min(best, (System.nanoTime() - start) / 1e3 / rounds);
    }
    return best;
  }
}
