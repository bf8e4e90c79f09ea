package io.tanuki4j.train;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.data.BatchSource;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Counts the tokens of a loss over the samples of several ranks. Where no token is masked, each
 * rank knows the number without asking. Otherwise the ranks exchange it, and their hosts wait for
 * it.
 */
final class TokenCount {
  private final ProcessGroup samples;
  private final Device device;
  private final Tensor number;
  private final ByteBuffer host =
      ByteBuffer.allocateDirect(Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * @param samples ranks with other samples
   * @param scope memory for a number, for as long as this is used
   */
  TokenCount(ProcessGroup samples, Device device, MemoryScope scope) {
    this.samples = samples;
    this.device = device;
    this.number = scope.allocate(Shape.of(1), DType.F64);
  }

  /**
   * @param own of this rank's samples
   * @param source where they are from
   */
  double total(double own, BatchSource source) {
    if (samples.size() == 1 || !source.masksTokens()) {
      return own * samples.size();
    }
    device.upload(number, host.clear().putDouble(own).flip());
    samples.allReduce(number, ReduceOp.SUM).await();
    device.download(host.clear(), number);
    return host.getDouble(0);
  }
}
