package io.tanuki4j.benchmark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class KernelBenchmarkTest {
  private static final BenchmarkShape TINY = new BenchmarkShape(1, 32, 48, 4, 2, 16, 2, 64);

  @ParameterizedTest
  @CsvSource({"F32, 62", "BF16, 123"})
  void every_operation_runs(DType dtype, int count) {
    List<Operation> operations = KernelBenchmark.operations(TINY, dtype);
    assertThat(operations).extracting(Operation::name).doesNotHaveDuplicates().hasSize(count);
    try (CpuBackend backend = new CpuBackend(1);
        Device device = backend.openDevice(0)) {
      for (Operation operation : operations) {
        assertThat(operation.work()).as(operation.name()).isPositive();
        assertThatCode(() -> run(operation, device))
            .as(operation.name())
            .doesNotThrowAnyException();
      }
    }
  }

  private static void run(Operation operation, Device device) {
    try (MemoryScope scope = device.openScope("benchmark")) {
      operation.prepare().apply(new BenchmarkTensors(device, scope)).run();
    }
  }
}
