package io.tanuki4j.comm.counting;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

class CountingFactoryTest {
  private static final List<List<Integer>> PAIRS = List.of(List.of(0, 2), List.of(1, 3));

  /** One of each call, between two ranks. */
  private static void communicate(ProcessGroup group, TestDevice device) {
    Tensor whole = device.scope().allocate(Shape.of(6), DType.F32);
    device.kernels().elementwise().fill(whole, 1);
    Tensor shard = whole.rows(3L * group.rank(), 3L * group.rank() + 3);
    Tensor received = device.scope().allocate(Shape.of(3), DType.F32);
    int other = 1 - group.rank();
    group.allReduce(whole, ReduceOp.SUM).await();
    group.allGather(whole, shard).await();
    group.reduceScatter(shard, whole, ReduceOp.SUM).await();
    group.broadcast(whole, 1).await();
    group.exchange(List.of(new Send(shard, other)), List.of(new Recv(received, other))).await();
    group.barrier();
  }

  @Test
  void counts_what_real_groups_send() {
    RankThreads.run(
        4,
        Duration.ofSeconds(20),
        seat -> {
          try (TestDevice device = new TestDevice();
              ProcessGroupFactory real = seat.processGroups(device.device())) {
            ProcessGroup group = real.create("pair", PAIRS);
            communicate(group, device);
            ProcessGroup counting = new CountingFactory(seat.globalRank(), 4).create("pair", PAIRS);
            communicate(counting, device);
            assertThat(counting.globalRanks()).isEqualTo(group.globalRanks());
            assertThat(counting.bytesSent()).isEqualTo(group.bytesSent()).isPositive();
          }
        });
  }
}
