package io.tanuki4j.comm.socket;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroupContract.Rank;
import io.tanuki4j.comm.RankEnvironment;
import io.tanuki4j.comm.RankProcess;
import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.comm.TestRanks;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.Arrays;

/** A rank in a process of its own: sums as often as its argument says, or until it is killed. */
final class ChildRank {
  private ChildRank() {}

  public static void main(String[] arguments) throws Exception {
    int rounds = Integer.parseInt(arguments[0]);
    try {
      RankProcess.run(
          RankEnvironment.of(System.getenv()),
          Duration.ofSeconds(60),
          SocketFactory::open,
          seat -> TestRanks.run(seat::processGroups, rank -> sum(rank, rounds)));
    } catch (CommunicationException e) {
      System.out.println(e.getMessage());
      System.exit(1);
    }
  }

  private static void sum(Rank rank, int rounds) {
    Tensor x = rank.memory().random(DType.F32, rank.index(), 10_001);
    for (int round = 0; round < rounds; round++) {
      rank.world().allReduce(x, ReduceOp.SUM).await();
      if (round == 0) {
        System.out.println("started");
        System.out.flush();
      }
    }
    System.out.println("hash " + Arrays.hashCode(rank.memory().values(x)));
  }
}
