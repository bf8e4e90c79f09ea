package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkDriver;

import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;

/**
 * A compiled kernel with the memory for its arguments, which is allocated once: {@code
 * f.arg(out).arg(x).arg(count).launch(blocks, threads)}. The driver copies the arguments at the
 * launch, so the next one may follow at once.
 */
final class CudaFunction {
  private static final int MAX_ARGUMENTS = 48;
  private static final int SLOT_BYTES = 8;

  private final String name;
  private final CudaStream stream;
  private final CUfunc_st function;
  private final BytePointer memory = new BytePointer(MAX_ARGUMENTS * SLOT_BYTES);
  private final PointerPointer<Pointer> addresses = new PointerPointer<>(MAX_ARGUMENTS);
  private final ByteBuffer values;
  private int numArguments;

  CudaFunction(String name, CUfunc_st function, CudaStream stream) {
    this.name = name;
    this.function = function;
    this.stream = stream;
    values = memory.asByteBuffer().order(ByteOrder.nativeOrder());
    for (int i = 0; i < MAX_ARGUMENTS; i++) {
      addresses.put(i, new Address(memory.address() + (long) i * SLOT_BYTES));
    }
  }

  /** Passes a pointer to the tensor's first element. */
  CudaFunction arg(Tensor tensor) {
    return arg(Address.of(tensor));
  }

  /** Passes a pointer or an integer; an {@code int} parameter reads the lower half. */
  CudaFunction arg(long value) {
    values.putLong(numArguments++ * SLOT_BYTES, value);
    return this;
  }

  CudaFunction arg(float value) {
    values.putFloat(numArguments++ * SLOT_BYTES, value);
    return this;
  }

  CudaFunction arg(double value) {
    values.putDouble(numArguments++ * SLOT_BYTES, value);
    return this;
  }

  /** Launches one-dimensional blocks. */
  void launch(long blocks, int threads) {
    launch(blocks, 1, 1, threads, 1);
  }

  /** Launches on the device's stream; launches nothing if there are no blocks. */
  void launch(long blocksX, int blocksY, int blocksZ, int threadsX, int threadsY) {
    numArguments = 0;
    if (blocksX == 0 || blocksY == 0 || blocksZ == 0) {
      return;
    }
    int status =
        cudart.cuLaunchKernel(
            function,
            Math.toIntExact(blocksX),
            blocksY,
            blocksZ,
            threadsX,
            threadsY,
            1,
            0,
            stream.handle(),
            addresses,
            null);
    checkDriver(status, name);
  }

  /** Returns how many blocks of this many threads a multiprocessor runs at a time. */
  int blocksPerMultiprocessor(int threads) {
    try (IntPointer blocks = new IntPointer(1)) {
      checkDriver(
          cudart.cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, 0),
          "cuOccupancyMaxActiveBlocksPerMultiprocessor");
      return Math.max(1, blocks.get());
    }
  }
}
