package io.tanuki4j.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.comm.ProcessGroup.Recv;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Send;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.GuardedMemory;
import io.tanuki4j.kernel.HostValues;
import io.tanuki4j.kernel.Replay;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What every kind of process group does, whatever its number of ranks. */
@TestInstance(Lifecycle.PER_CLASS)
@Timeout(60)
public abstract class ProcessGroupContract {
  /** The types of numbers that groups add; those of eight bits are scaled, and only gathered. */
  private static final List<DType> SUMMABLE =
      Arrays.stream(DType.values()).filter(dtype -> !dtype.isFloat8()).toList();

  /** 40,000 elements are more than a block of a reduction, and no multiple of one. */
  private static final int[] COUNTS = {1, 7, 33, 257, 40_000};

  /** A rank's part of a test. */
  public interface Body {
    void run(Rank rank) throws Exception;
  }

  /**
   * What a rank of a test has.
   *
   * @param world the group of all ranks
   */
  public record Rank(ProcessGroupFactory factory, ProcessGroup world, GuardedMemory memory) {
    public int index() {
      return factory.globalRank();
    }

    int size() {
      return factory.worldSize();
    }

    double[] read(Tensor tensor) {
      return memory.values(tensor);
    }
  }

  protected abstract IntStream worldSizes();

  /**
   * Compares a sum over ranks with that in their order; who adds in another order allows for it.
   */
  protected void assertSum(double[] actual, double[] expected, DType dtype) {
    assertThat(actual).isEqualTo(expected);
  }

  /** Ranks that share memory with a rank, itself included. */
  protected int countedRanks(int numRanks) {
    return numRanks;
  }

  /** Whether the greatest of NaN and a number is NaN. */
  protected boolean findsNan() {
    return true;
  }

  /**
   * Runs the body once for each rank, and throws what the first to fail threw.
   *
   * @param limit how long a rank waits for another
   */
  protected abstract void run(int numRanks, Duration limit, Body body);

  final void run(int numRanks, Body body) {
    run(numRanks, Duration.ofSeconds(30), body);
  }

  /** Numbers of every size, the same for everyone who asks for those of a rank. */
  private static double[] values(int rank, int count, DType dtype) {
    Random random = new Random(31L * rank + count);
    double scale = dtype.isFloatingPoint() ? 1 : 1000;
    return IntStream.range(0, count)
        .mapToDouble(i -> HostValues.round(random.nextGaussian() * scale, dtype))
        .toArray();
  }

  /** In rank order; types of two bytes in fp32, rounded once. */
  private static double[] sum(int numRanks, int count, DType dtype) {
    DType wide = dtype == DType.BF16 || dtype == DType.F16 ? DType.F32 : dtype;
    double[] sum = values(0, count, dtype);
    for (int rank = 1; rank < numRanks; rank++) {
      double[] next = values(rank, count, dtype);
      for (int i = 0; i < count; i++) {
        sum[i] = HostValues.round(sum[i] + next[i], wide);
      }
    }
    return Arrays.stream(sum).map(value -> HostValues.round(value, dtype)).toArray();
  }

  private static double[] max(int numRanks, int count, DType dtype) {
    double[] max = values(0, count, dtype);
    for (int rank = 1; rank < numRanks; rank++) {
      double[] next = values(rank, count, dtype);
      Arrays.setAll(max, i -> Math.max(max[i], next[i]));
    }
    return max;
  }

  private static double[] concatenated(int numRanks, int count, DType dtype) {
    return IntStream.range(0, numRanks)
        .mapToObj(rank -> values(rank, count, dtype))
        .flatMapToDouble(Arrays::stream)
        .toArray();
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void all_reduce_adds_in_the_order_of_the_ranks(int numRanks) {
    run(
        numRanks,
        rank -> {
          for (DType dtype : SUMMABLE) {
            for (int count : COUNTS) {
              Tensor x = rank.memory.of(dtype, values(rank.index(), count, dtype), count);
              rank.world.allReduce(x, ReduceOp.SUM).await();
              assertSum(rank.read(x), sum(numRanks, count, dtype), dtype);
            }
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void all_reduce_finds_the_greatest(int numRanks) {
    run(
        numRanks,
        rank -> {
          for (DType dtype : SUMMABLE) {
            Tensor x = rank.memory.of(dtype, values(rank.index(), 33, dtype), 3, 11);
            rank.world.allReduce(x, ReduceOp.MAX).await();
            assertThat(rank.read(x)).isEqualTo(max(numRanks, 33, dtype));
          }
          Tensor nan =
              rank.memory.of(DType.F32, new double[] {rank.index() == 0 ? Double.NaN : 1}, 1);
          rank.world.allReduce(nan, ReduceOp.MAX).await();
          if (findsNan()) {
            assertThat(rank.read(nan)).containsExactly(Double.NaN);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void all_gather_puts_shards_in_the_order_of_the_ranks(int numRanks) {
    run(
        numRanks,
        rank -> {
          for (DType dtype : SUMMABLE) {
            for (int count : COUNTS) {
              double[] mine = values(rank.index(), count, dtype);
              Tensor out = rank.memory.undefined(dtype, numRanks, count);
              Tensor shard = rank.memory.of(dtype, mine, 1, count);
              rank.world.allGather(out, shard).await();
              assertThat(rank.read(out)).isEqualTo(concatenated(numRanks, count, dtype));
              assertThat(rank.read(shard)).isEqualTo(mine);
            }
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void all_gather_works_in_place(int numRanks) {
    run(
        numRanks,
        rank -> {
          double[] scattered = new double[numRanks * 257];
          double[] mine = values(rank.index(), 257, DType.F32);
          System.arraycopy(mine, 0, scattered, rank.index() * 257, 257);
          Tensor out = rank.memory.of(DType.F32, scattered, numRanks, 257);
          rank.world.allGather(out, out.rows(rank.index(), rank.index() + 1)).await();
          assertThat(rank.read(out)).isEqualTo(concatenated(numRanks, 257, DType.F32));
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void reduce_scatter_leaves_each_rank_its_shard_of_the_sum(int numRanks) {
    run(
        numRanks,
        rank -> {
          for (DType dtype : SUMMABLE) {
            for (int count : COUNTS) {
              int all = numRanks * count;
              double[] mine = values(rank.index(), all, dtype);
              Tensor in = rank.memory.of(dtype, mine, numRanks, count);
              Tensor shard = rank.memory.undefined(dtype, 1, count);
              rank.world.reduceScatter(shard, in, ReduceOp.SUM).await();
              int from = rank.index() * count;
              double[] sum = sum(numRanks, all, dtype);
              assertSum(rank.read(shard), Arrays.copyOfRange(sum, from, from + count), dtype);
              assertThat(rank.read(in)).isEqualTo(mine);
            }
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void reduce_scatter_works_in_place(int numRanks) {
    run(
        numRanks,
        rank -> {
          int all = numRanks * 40_000;
          double[] expected = values(rank.index(), all, DType.F32);
          int from = rank.index() * 40_000;
          System.arraycopy(sum(numRanks, all, DType.F32), from, expected, from, 40_000);
          Tensor in =
              rank.memory.of(DType.F32, values(rank.index(), all, DType.F32), numRanks, 40_000);
          Tensor shard = in.rows(rank.index(), rank.index() + 1);
          rank.world.reduceScatter(shard, in, ReduceOp.SUM).await();
          assertSum(rank.read(in), expected, DType.F32);
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void broadcast_gives_everyone_the_values_of_the_root(int numRanks) {
    run(
        numRanks,
        rank -> {
          for (DType dtype : SUMMABLE) {
            for (int root = 0; root < numRanks; root++) {
              for (int count : COUNTS) {
                Tensor x = rank.memory.of(dtype, values(rank.index(), count, dtype), count);
                rank.world.broadcast(x, root).await();
                assertThat(rank.read(x)).isEqualTo(values(root, count, dtype));
              }
            }
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void exchange_sends_and_receives_as_one_unit(int numRanks) {
    run(
        numRanks,
        rank -> {
          int next = (rank.index() + 1) % numRanks;
          int previous = (rank.index() + numRanks - 1) % numRanks;
          for (int count : new int[] {1, 257, 400_000}) {
            Tensor forward =
                rank.memory.of(DType.F32, values(rank.index(), count, DType.F32), count);
            Tensor backward = rank.memory.of(DType.BF16, values(rank.index(), 7, DType.BF16), 7);
            Tensor fromPrevious = rank.memory.undefined(DType.F32, count);
            Tensor fromNext = rank.memory.undefined(DType.BF16, 7);
            rank.world
                .exchange(
                    List.of(new Send(forward, next), new Send(backward, previous)),
                    List.of(new Recv(fromPrevious, previous), new Recv(fromNext, next)))
                .await();
            assertThat(rank.read(fromPrevious)).isEqualTo(values(previous, count, DType.F32));
            assertThat(rank.read(fromNext)).isEqualTo(values(next, 7, DType.BF16));
          }
        });
  }

  /**
   * Of a size at which GPUs of one machine write into each other's memory, if they share layers.
   */
  @ParameterizedTest
  @MethodSource("worldSizes")
  void large_messages_arrive_each_time_an_exchange_is_repeated(int numRanks) {
    run(
        numRanks,
        rank -> {
          List<Integer> all = IntStream.range(0, numRanks).boxed().toList();
          ProcessGroup group = rank.factory.create("tp", List.of(all));
          int next = (rank.index() + 1) % numRanks;
          int previous = (rank.index() + numRanks - 1) % numRanks;
          Tensor sent = rank.memory.filled(DType.F32, 0, 1 << 19);
          Tensor received = rank.memory.undefined(DType.F32, 1 << 19);
          Runnable exchange =
              () ->
                  group
                      .exchange(
                          List.of(new Send(sent, next)), List.of(new Recv(received, previous)))
                      .await();
          exchange.run();
          try (Replay replay = rank.memory.device().record(exchange)) {
            for (int round = 1; round <= 3; round++) {
              rank.memory.device().kernels().elementwise().fill(sent, 10 * round + rank.index());
              replay.run();
              assertThat(rank.read(received)).containsOnly(10 * round + previous);
            }
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void only_the_ranks_that_an_exchange_names_take_part(int numRanks) {
    run(
        numRanks,
        rank -> {
          int last = numRanks - 1;
          if (rank.index() == 0 && last > 0) {
            Tensor x = rank.memory.filled(DType.I64, 41, 3);
            rank.world.exchange(List.of(new Send(x, last)), List.of()).await();
          } else if (rank.index() == last && last > 0) {
            Tensor x = rank.memory.undefined(DType.I64, 3);
            rank.world.exchange(List.of(), List.of(new Recv(x, 0))).await();
            assertThat(rank.read(x)).containsOnly(41);
          }
          rank.world.exchange(List.of(), List.of()).await();
          rank.world.barrier();
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void messages_between_two_ranks_keep_their_order(int numRanks) {
    run(
        numRanks,
        rank -> {
          int next = (rank.index() + 1) % numRanks;
          int previous = (rank.index() + numRanks - 1) % numRanks;
          List<Tensor> received = new ArrayList<>();
          List<Work> works = new ArrayList<>();
          for (int i = 0; i < 20; i++) {
            Tensor out = rank.memory.filled(DType.F64, i, 5);
            Tensor in = rank.memory.undefined(DType.F64, 5);
            received.add(in);
            works.add(
                rank.world.exchange(List.of(new Send(out, next)), List.of(new Recv(in, previous))));
          }
          works.forEach(Work::await);
          for (int i = 0; i < received.size(); i++) {
            assertThat(rank.read(received.get(i))).containsOnly(i);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void works_may_be_awaited_in_any_order_and_twice(int numRanks) {
    run(
        numRanks,
        rank -> {
          List<Work> works = new ArrayList<>();
          List<Tensor> tensors = new ArrayList<>();
          for (int i = 0; i < 60; i++) {
            Tensor x = rank.memory.filled(DType.F32, i + rank.index(), 1 + 40 * i);
            tensors.add(x);
            works.add(
                i % 3 == 0 ? rank.world.broadcast(x, 0) : rank.world.allReduce(x, ReduceOp.MAX));
          }
          List<Work> shuffled = new ArrayList<>(works);
          Collections.shuffle(shuffled, new Random(rank.index()));
          shuffled.forEach(Work::await);
          works.forEach(Work::await);
          for (int i = 0; i < tensors.size(); i++) {
            assertThat(rank.read(tensors.get(i))).containsOnly(i % 3 == 0 ? i : i + numRanks - 1);
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void a_barrier_waits_for_every_rank(int numRanks) {
    AtomicInteger arrived = new AtomicInteger();
    run(
        numRanks,
        rank -> {
          for (int round = 1; round <= 20; round++) {
            arrived.incrementAndGet();
            rank.world.barrier();
            assertThat(arrived.get()).isGreaterThanOrEqualTo(round * countedRanks(numRanks));
            rank.world.barrier();
            assertThat(arrived.get()).isEqualTo(round * countedRanks(numRanks));
            rank.world.barrier();
          }
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void groups_of_some_ranks_work_beside_each_other(int numRanks) {
    List<List<Integer>> reversed =
        List.of(IntStream.range(0, numRanks).mapToObj(i -> numRanks - 1 - i).toList());
    List<List<Integer>> alone = IntStream.range(0, numRanks).mapToObj(List::of).toList();
    List<List<Integer>> parity =
        numRanks == 1
            ? alone
            : List.of(
                IntStream.range(0, numRanks).filter(i -> i % 2 == 0).boxed().toList(),
                IntStream.range(0, numRanks).filter(i -> i % 2 == 1).boxed().toList());
    run(
        numRanks,
        rank -> {
          ProcessGroup all = rank.factory.create("reversed", reversed);
          ProcessGroup some = rank.factory.create("parity", parity);
          ProcessGroup one = rank.factory.create("alone", alone);
          assertThat(all.rank()).isEqualTo(numRanks - 1 - rank.index());
          assertThat(one.size()).isEqualTo(1);
          Tensor a = rank.memory.filled(DType.F32, rank.index(), 40_000);
          Tensor b = rank.memory.filled(DType.F32, rank.index(), 40_000);
          Tensor c = rank.memory.filled(DType.F32, rank.index(), 40_000);
          Work first = all.broadcast(a, 0);
          Work second = some.allReduce(b, ReduceOp.SUM);
          Work third = one.allReduce(c, ReduceOp.SUM);
          second.await();
          third.await();
          first.await();
          int sum = some.globalRanks().stream().mapToInt(i -> i).sum();
          assertThat(rank.read(a)).containsOnly(numRanks - 1);
          assertThat(rank.read(b)).containsOnly(sum);
          assertThat(rank.read(c)).containsOnly(rank.index());
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void empty_tensors_are_no_trouble(int numRanks) {
    run(
        numRanks,
        rank -> {
          Tensor x = rank.memory.undefined(DType.F32, 0);
          rank.world.allReduce(x, ReduceOp.SUM).await();
          rank.world.allGather(x, rank.memory.undefined(DType.F32, 0)).await();
          rank.world.broadcast(x, 0).await();
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void counts_the_bytes_that_collectives_and_exchanges_send(int numRanks) {
    run(
        numRanks,
        rank -> {
          ProcessGroup group = rank.world;
          long before = group.bytesSent();
          Tensor x = rank.memory.filled(DType.F32, 1, numRanks, 6);
          Tensor y = rank.memory.filled(DType.F32, 1, 6);
          group.allReduce(x, ReduceOp.SUM).await();
          group.allGather(x, y).await();
          group.broadcast(y, 0).await();
          group.barrier();
          long expected = 3L * (numRanks - 1) * 24;
          expected += rank.index() == 0 ? (numRanks - 1) * 24L : 0;
          int next = (rank.index() + 1) % numRanks;
          int previous = (rank.index() + numRanks - 1) % numRanks;
          Tensor z = rank.memory.undefined(DType.F32, 6);
          group.exchange(List.of(new Send(y, next)), List.of(new Recv(z, previous))).await();
          expected += numRanks > 1 ? 24 : 0;
          assertThat(group.bytesSent() - before).isEqualTo(expected);
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void refuses_operands_that_do_not_fit_and_goes_on(int numRanks) {
    run(
        numRanks,
        rank -> {
          Tensor x = rank.memory.filled(DType.F32, 1, numRanks, 3);
          Tensor odd = rank.memory.filled(DType.F32, 1, 4);
          assertThatThrownBy(() -> rank.world.allGather(x, odd))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("all-gather on group \"world\"");
          assertThatThrownBy(() -> rank.world.reduceScatter(odd, x, ReduceOp.SUM))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("times as many elements");
          assertThatThrownBy(() -> rank.world.broadcast(x, numRanks))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining(
                  "rank %d (expected: 0 to %d)".formatted(numRanks, numRanks - 1));
          assertThatThrownBy(() -> rank.world.exchange(List.of(new Send(x, -1)), List.of()))
              .isInstanceOf(IllegalArgumentException.class);
          rank.world.allReduce(x, ReduceOp.SUM).await();
          assertThat(rank.read(x)).containsOnly(numRanks);
        });
  }

  @ParameterizedTest
  @MethodSource("worldSizes")
  void refuses_groups_that_do_not_hold_every_rank_once(int numRanks) {
    run(
        numRanks,
        rank ->
            assertThatThrownBy(() -> rank.factory.create("tp", List.of(List.of(numRanks))))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("each of the ranks 0 to " + (numRanks - 1)));
  }
}
