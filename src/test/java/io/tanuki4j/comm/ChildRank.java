package io.tanuki4j.comm;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.backend.cuda.TestGpu;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroupContract.Rank;
import io.tanuki4j.comm.nccl.NcclFactory;
import io.tanuki4j.comm.rendezvous.RankEnvironment;
import io.tanuki4j.comm.rendezvous.RankProcess;
import io.tanuki4j.comm.socket.SocketFactory;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.Arrays;

/**
 * A rank in a process of its own: sums as often as its argument says, or until it is killed. The
 * other arguments: {@code gloo} or {@code nccl}, the seconds for which a rank waits for another,
 * and a rank that stops to take part after its first sum ({@code -1} for none).
 */
public final class ChildRank {
  private ChildRank() {}

  public static void main(String[] arguments) throws Exception {
    int rounds = Integer.parseInt(arguments[0]);
    boolean nccl = arguments[1].equals("nccl");
    Duration limit = Duration.ofSeconds(Integer.parseInt(arguments[2]));
    int idler = Integer.parseInt(arguments[3]);
    try (Backend backend = nccl ? TestGpu.backend() : new CpuBackend()) {
      RankProcess.run(
          RankEnvironment.of(System.getenv()),
          limit,
          nccl ? NcclFactory::open : SocketFactory::open,
          seat -> TestRanks.run(backend, seat::processGroups, rank -> sum(rank, rounds, idler)));
    } catch (CommunicationException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }

  private static void sum(Rank rank, int rounds, int idler) throws InterruptedException {
    Tensor x = rank.memory().random(DType.F32, rank.index(), 10_001);
    for (int round = 0; round < rounds; round++) {
      rank.world().allReduce(x, ReduceOp.SUM).await();
      if (round == 0) {
        rank.memory().values(x); // waits until it is done
        System.out.println("started");
        System.out.flush();
      }
      if (rank.index() == idler) {
        Thread.sleep(Long.MAX_VALUE);
      }
      if (rounds == Integer.MAX_VALUE && round % 10 == 0) {
        rank.memory().values(x);
      }
    }
    System.out.println("hash " + Arrays.hashCode(rank.memory().values(x)));
  }
}
