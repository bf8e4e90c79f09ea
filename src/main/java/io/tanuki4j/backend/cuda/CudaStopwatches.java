package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.Stopwatches;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Stopwatches that kernels read and add up, see stopwatch.cu: unlike an event, a kernel in a CUDA
 * graph keeps what earlier launches measured.
 */
final class CudaStopwatches implements Stopwatches {
  private final CudaDevice device;
  private final MemoryScope scope;
  private final Tensor starts;
  private final Tensor sums;
  private final CudaFunction start;
  private final CudaFunction stop;

  /** The kernels that read the GPU's clock. */
  record Variant() implements KernelVariant {
    @Override
    public String family() {
      return "stopwatch";
    }

    @Override
    public List<String> options() {
      return List.of();
    }
  }

  CudaStopwatches(CudaDevice device, CudaModules modules, int number) {
    this.device = device;
    this.scope = device.openScope("stopwatches", 2L * number * Long.BYTES);
    Tensor all = scope.allocate(Shape.of(2L * number), DType.I64);
    device.kernels().elementwise().fill(all, 0);
    this.starts = all.rows(0, number);
    this.sums = all.rows(number, 2L * number);
    this.start = modules.function(new Variant(), "stopwatch_start");
    this.stop = modules.function(new Variant(), "stopwatch_stop");
  }

  @Override
  public void start(int index) {
    start.arg(starts.rows(index, index + 1)).launch(1, 1);
  }

  @Override
  public void stop(int index) {
    stop.arg(sums.rows(index, index + 1)).arg(starts.rows(index, index + 1)).launch(1, 1);
  }

  @Override
  public long[] takeNanos() {
    int number = Math.toIntExact(sums.numElements());
    ByteBuffer host = ByteBuffer.allocate(number * Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    device.download(host, sums);
    device.kernels().elementwise().fill(sums, 0);
    long[] nanos = new long[number];
    host.rewind().asLongBuffer().get(nanos);
    return nanos;
  }

  @Override
  public void close() {
    scope.close();
  }
}
