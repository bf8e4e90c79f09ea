package io.tanuki4j.comm;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.ProcessGroupContract.Body;
import io.tanuki4j.comm.ProcessGroupContract.Rank;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.GuardedMemory;
import java.util.List;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Gives a rank of a test its device and memory. */
public final class TestRanks {
  private TestRanks() {}

  public static void run(Function<Device, ProcessGroupFactory> groups, Body body) throws Exception {
    try (Backend backend = new CpuBackend()) {
      run(backend, groups, body);
    }
  }

  /**
   * @param backend whose first device the rank gets
   */
  public static void run(Backend backend, Function<Device, ProcessGroupFactory> groups, Body body)
      throws Exception {
    try (Device device = backend.openDevice(0);
        ProcessGroupFactory factory = groups.apply(device);
        GuardedMemory memory = new GuardedMemory(device)) {
      List<Integer> all = IntStream.range(0, factory.worldSize()).boxed().toList();
      body.run(new Rank(factory, factory.create("world", List.of(all)), memory));
    }
  }
}
