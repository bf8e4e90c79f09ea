package io.tanuki4j.train;

import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.ParameterSlice;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.data.OptimizerShard;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Numbers about all weights and gradients of a model that only the log asks for. Each makes the
 * host wait, and is asked for by every rank.
 */
public final class ParameterStatistics {
  private static final long ELEMENTS_AT_ONCE = 1 << 20;

  private final Device device;
  private final DataParallel data;
  private final OptimizerShard shard;
  private final Tensor sum;

  /**
   * @param scope memory for one number, for as long as this is used
   */
  public ParameterStatistics(Device device, DataParallel data, MemoryScope scope) {
    this.device = device;
    this.data = data;
    this.shard = data.shard();
    this.sum = scope.allocate(Shape.of(1), DType.F64);
  }

  /** Returns the L2 norm of all weights ({@code --log-params-norm}). */
  double paramsNorm() {
    data.awaitWeights();
    device.kernels().elementwise().fill(sum, 0);
    for (FlatRange range : shard.counted()) {
      device.kernels().optimizer().sumOfSquares(sum, range.of(shard.parameters().values()));
    }
    return Math.sqrt(sumOverRanks());
  }

  /**
   * Returns the number of zeros in the last gradient ({@code --log-num-zeros-in-grad}). It reads
   * all of the gradient, so it is too slow for every iteration of a large model.
   */
  long numZeros() {
    long zeros = 0;
    for (ParameterSlice part : shard.countedParts()) {
      zeros += zerosOf(part.range());
    }
    device.kernels().elementwise().fill(sum, zeros);
    return Math.round(sumOverRanks());
  }

  private double sumOverRanks() {
    shard.group().allReduce(sum, ReduceOp.SUM).await();
    return download(sum).getDouble(0);
  }

  private long zerosOf(FlatRange range) {
    Tensor grads = shard.parameters().grads();
    long zeros = 0;
    for (long from = range.from(); from < range.to(); from += ELEMENTS_AT_ONCE) {
      zeros += zerosOf(grads.rows(from, Math.min(range.to(), from + ELEMENTS_AT_ONCE)));
    }
    return zeros;
  }

  private long zerosOf(Tensor grads) {
    ByteBuffer bytes = download(grads);
    long zeros = 0;
    while (bytes.hasRemaining()) {
      double value =
          switch (grads.dtype()) {
            case BF16, F16 -> bytes.getShort() & 0x7fff; // without the sign
            case F64 -> bytes.getDouble();
            default -> bytes.getFloat();
          };
      zeros += value == 0 ? 1 : 0;
    }
    return zeros;
  }

  private ByteBuffer download(Tensor tensor) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect(Math.toIntExact(tensor.numBytes()))
            .order(ByteOrder.LITTLE_ENDIAN);
    device.download(bytes, tensor);
    return bytes.rewind();
  }
}
