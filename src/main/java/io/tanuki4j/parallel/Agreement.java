package io.tanuki4j.parallel;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.Readback;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * Lets the hosts of a group reach the same decision: each has a number, and all get the largest.
 */
public final class Agreement {
  /** Room for what timers say on a few hundred ranks. */
  private static final long TEXT_WORDS = 1 << 14;

  private final ProcessGroup group;
  private final Device device;
  private final Tensor number;
  private final TextExchange texts;
  private @Nullable Readback pending;
  private final ByteBuffer host =
      ByteBuffer.allocateDirect(Double.BYTES).order(ByteOrder.LITTLE_ENDIAN);

  /**
   * @param scope memory for a number and for texts, for as long as this is used
   */
  public Agreement(ProcessGroup group, Device device, MemoryScope scope) {
    this.group = group;
    this.device = device;
    this.number = scope.allocate(Shape.of(1), DType.F64);
    this.texts =
        isAlone()
            ? TextExchange.ALONE
            : TextExchange.over(group, device, scope.allocate(Shape.of(TEXT_WORDS), DType.I32));
  }

  /** Returns this rank's place in the group. */
  public int rank() {
    return group.rank();
  }

  /** Returns whether the group is of one rank. */
  public boolean isAlone() {
    return group.size() == 1;
  }

  /** Returns the exchange for what hosts agree on other than numbers. */
  public TextExchange texts() {
    return texts;
  }

  /** Returns the largest number of all ranks, each of which calls this. Waits for the device. */
  public double largest(double mine) {
    if (group.size() == 1) {
      return mine;
    }
    exchange(mine);
    device.download(host.clear(), number);
    return host.getDouble(0);
  }

  /**
   * Returns the largest of the numbers that the ranks passed to the previous call, 0 at first. The
   * host therefore does not wait for the device's latest work. A rank alone gets its present
   * number.
   */
  public double largestBefore(double mine) {
    if (group.size() == 1) {
      return mine;
    }
    Readback before = pending;
    exchange(mine);
    pending = device.readBack(number);
    return before == null ? 0 : before.await().getDouble(0);
  }

  private void exchange(double mine) {
    device.upload(number, host.clear().putDouble(mine).flip());
    group.allReduce(number, ReduceOp.MAX).await();
  }
}
