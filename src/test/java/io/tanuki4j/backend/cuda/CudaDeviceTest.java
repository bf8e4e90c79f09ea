package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.GuardedMemory;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.Readback;
import io.tanuki4j.kernel.Replay;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.Random;
import org.bytedeco.cuda.global.cudart;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Recording, copies of many pieces, and lack of memory. */
@Tag("gpu")
class CudaDeviceTest {
  private Device device;
  private GuardedMemory memory;

  @BeforeEach
  void open() {
    device = TestGpu.open();
    memory = new GuardedMemory(device);
  }

  @AfterEach
  void close() {
    memory.close();
    device.close();
  }

  @Test
  void two_readbacks_are_under_way_at_a_time() {
    Tensor x = memory.filled(DType.F64, 1, 2);
    Readback first = device.readBack(x);
    device.kernels().elementwise().fill(x, 2);
    Readback second = device.readBack(x);
    device.kernels().elementwise().fill(x, 3);
    assertThat(first.await().getDouble(8)).isEqualTo(1);
    assertThat(second.await().getDouble(8)).isEqualTo(2);
  }

  @Test
  void a_replay_does_what_the_work_does() {
    Tensor x = memory.random(DType.BF16, 1, 64, 256);
    Tensor weight = memory.random(DType.BF16, 2, 256);
    Tensor dWeight = memory.filled(DType.F32, 0, 256);
    Tensor sum = memory.filled(DType.F32, 0, 64, 64);
    Runnable work = () -> step(x, weight, dWeight, sum);
    work.run();
    double[] once = memory.values(sum);
    double[] gradient = memory.values(dWeight);
    try (Replay replay = device.record(work)) {
      assertThat(memory.values(sum)).as("recording runs nothing").isEqualTo(once);
      device.kernels().elementwise().fill(sum, 0);
      device.kernels().elementwise().fill(dWeight, 0);
      replay.run();
      assertThat(memory.values(sum)).isEqualTo(once);
      assertThat(memory.values(dWeight)).isEqualTo(gradient);
      device.kernels().elementwise().fill(x, 0);
      device.kernels().elementwise().fill(sum, 0);
      replay.run();
      assertThat(memory.values(sum)).containsOnly(0);
    }
  }

  private void step(Tensor x, Tensor weight, Tensor dWeight, Tensor sum) {
    try (MemoryScope child = memory.scope().child("step")) {
      Tensor out = child.allocate(x.shape(), DType.BF16);
      Tensor dx = child.allocate(x.shape(), DType.BF16);
      Tensor rstd = child.allocate(Shape.of(x.dim(0)), DType.F32);
      device.kernels().norm().rmsNormForward(out, rstd, x, weight, 1e-5);
      device
          .kernels()
          .norm()
          .rmsNormBackward(dx, dWeight, out, x, rstd, weight, /* residual= */ null);
      device.kernels().matmul().matmul(sum, out, Op.NONE, x, Op.TRANSPOSE, Accumulate.ADD);
    }
  }

  @Test
  void a_replay_survives_a_larger_workspace() {
    Tensor x = memory.random(DType.F32, 1, 64, 256);
    Tensor sum = memory.filled(DType.F64, 0, 1);
    Runnable work = () -> device.kernels().optimizer().sumOfSquares(sum, x);
    work.run();
    double[] once = memory.values(sum);
    try (Replay replay = device.record(work)) {
      Tensor large = memory.random(DType.F32, 2, 512, 512);
      Tensor product = memory.undefined(DType.F32, 512, 512);
      device
          .kernels()
          .matmul()
          .matmul(product, large, Op.NONE, large, Op.NONE, Accumulate.OVERWRITE);
      device.kernels().elementwise().fill(sum, 0);
      replay.run();
      assertThat(memory.values(sum)).isEqualTo(once);
    }
  }

  /** What is issued apart sees a value that the recording overwrites after much other work. */
  @Test
  void work_issued_apart_begins_within_each_replay() {
    CudaDevice gpu = (CudaDevice) device;
    Tensor x = memory.filled(DType.F32, 0, 1);
    Tensor seen = memory.filled(DType.F32, 0, 1);
    try (CudaQueue queue = gpu.openQueue();
        CudaMark copied = gpu.openMark()) {
      Runnable work =
          () -> {
            device.kernels().elementwise().fill(x, 1);
            device.issueApart(() -> copyOn(queue, copied, seen, x));
            multiplyOften();
            device.kernels().elementwise().fill(x, 2);
          };
      work.run();
      try (Replay replay = device.record(work)) {
        for (int i = 0; i < 3; i++) {
          device.kernels().elementwise().fill(seen, 0);
          replay.run();
          gpu.await(copied);
          assertThat(memory.values(seen)).as("replay " + i).containsOnly(1);
        }
      }
    }
  }

  /** The queue gets ahead: while the replays wait, it has already set the mark once more. */
  @Test
  @Timeout(60)
  void a_recorded_wait_is_for_the_latest_mark_before_its_launch() {
    CudaDevice gpu = (CudaDevice) device;
    Tensor x = memory.filled(DType.F32, 5, 1);
    Tensor arrived = memory.filled(DType.F32, 0, 1);
    Tensor seen = memory.filled(DType.F32, 0, 1);
    Runnable recorded = () -> device.kernels().elementwise().copy(seen, arrived);
    recorded.run();
    try (CudaQueue queue = gpu.openQueue();
        CudaMark done = gpu.openMark();
        Replay replay =
            device.record(
                () -> {
                  gpu.awaitOutside(done);
                  recorded.run();
                })) {
      for (int i = 1; i <= 3; i++) {
        device.kernels().elementwise().fill(x, i);
        multiplyOften();
        copyOn(queue, done, arrived, x);
        replay.run(); // the next round's copy is queued before this has run
      }
      assertThat(memory.values(seen)).containsOnly(3);
    }
  }

  private void copyOn(CudaQueue queue, CudaMark done, Tensor to, Tensor from) {
    ((CudaDevice) device).holdUp(queue);
    check(
        cudart.cudaMemcpyAsync(
            CudaDevice.pointer(to),
            CudaDevice.pointer(from),
            to.numBytes(),
            cudart.cudaMemcpyDeviceToDevice,
            queue.handle()),
        "cudaMemcpyAsync");
    queue.mark(done);
  }

  private void multiplyOften() {
    try (MemoryScope child = memory.scope().child("products")) {
      Tensor square = child.allocate(Shape.of(4096, 4096), DType.BF16);
      Tensor product = child.allocate(Shape.of(4096, 4096), DType.BF16);
      for (int i = 0; i < 10; i++) {
        device
            .kernels()
            .matmul()
            .matmul(product, square, Op.NONE, square, Op.NONE, Accumulate.OVERWRITE);
      }
    }
  }

  @Test
  void a_recording_refuses_what_would_wait() {
    Tensor x = memory.random(DType.F32, 1, 64);
    assertThatThrownBy(() -> device.record(device::synchronize))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("cannot wait for the GPU in a recording");
    Tensor y = memory.random(DType.F32, 2, 3, 5);
    Tensor product = memory.undefined(DType.F32, 3, 3);
    Runnable first =
        () ->
            device
                .kernels()
                .matmul()
                .matmul(product, y, Op.NONE, y, Op.TRANSPOSE, Accumulate.OVERWRITE);
    assertThatThrownBy(() -> device.record(first))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("Run the work once before it is recorded");
    device.kernels().elementwise().fill(x, 2);
    assertThat(memory.values(x)).containsOnly(2);
  }

  @Test
  void large_copies_go_in_pieces() {
    byte[] bytes = new byte[(17 << 20) + 12];
    new Random(1).nextBytes(bytes);
    Tensor tensor = memory.scope().allocate(Shape.of(bytes.length / 4), DType.I32);
    device.upload(tensor, ByteBuffer.wrap(bytes));
    ByteBuffer back = ByteBuffer.allocate(bytes.length);
    device.download(back, tensor);
    assertThat(back.hasRemaining()).isFalse();
    assertThat(back.array()).isEqualTo(bytes);
  }

  @Test
  void lack_of_memory_names_what_is_asked_and_what_is_held() {
    long tooMuch = device.info().memoryBytes() * 2;
    assertThatThrownBy(() -> memory.scope().allocate(Shape.of(tooMuch / 4), DType.F32))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("scope test: cannot take")
        .hasMessageContaining("Use a smaller --micro-batch-size");
    assertThat(memory.values(memory.filled(DType.F32, 1, 3))).containsOnly(1);
  }

  @Test
  void refuses_fp64_and_says_where_it_runs() {
    Tensor x = memory.random(DType.F64, 1, 4, 4);
    assertThatThrownBy(() -> device.kernels().activation().swiGluForward(x, x))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("F32, BF16 or F16; for F64 use --backend cpu");
  }

  @Test
  void the_same_operation_gives_the_same_bits_again() {
    Tensor tokens =
        memory.of(DType.I32, new Random(1).ints(999, 0, 7).asDoubleStream().toArray(), 999);
    Tensor grads = memory.random(DType.BF16, 2, 999, 256);
    Tensor weight = memory.random(DType.BF16, 3, 256);
    Tensor rstd = memory.filled(DType.F32, 0.7, 999);
    Tensor first = memory.filled(DType.F32, 0, 8, 256);
    Tensor second = memory.filled(DType.F32, 0, 8, 256);
    Tensor dx = memory.undefined(DType.BF16, 999, 256);
    for (Tensor out : new Tensor[] {first, second}) {
      device.kernels().embedding().embeddingBackward(out.rows(0, 7), grads, tokens, 0);
      Tensor dWeight = out.rows(7, 8).reshape(Shape.of(256));
      device.kernels().norm().rmsNormBackward(dx, dWeight, grads, grads, rstd, weight, dx);
    }
    assertThat(memory.bytes(first)).isEqualTo(memory.bytes(second));
  }
}
