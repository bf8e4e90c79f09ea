package io.tanuki4j.comm.nccl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.backend.cuda.TestGpu;
import io.tanuki4j.comm.ProcessGroupContract;
import io.tanuki4j.comm.TestRanks;
import io.tanuki4j.comm.rendezvous.RankEnvironment;
import io.tanuki4j.comm.rendezvous.RankProcess;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.tensor.DType;
import java.time.Duration;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.TestMethodOrder;

/**
 * The contract as one rank of several processes goes through it: all of them run its tests in the
 * same order. {@link NcclGroupTest} starts them; alone it does nothing.
 */
@TestMethodOrder(MethodOrderer.MethodName.class)
class NcclContractInOneRank extends ProcessGroupContract {
  private final Backend backend = TestGpu.backend();
  private int numRuns;

  @Override
  protected IntStream worldSizes() {
    return IntStream.of(1, Integer.parseInt(System.getenv("WORLD_SIZE")));
  }

  @Override
  protected void run(int numRanks, Duration limit, Body body) {
    int rank = Integer.parseInt(System.getenv("RANK"));
    numRuns++;
    if (rank >= numRanks) {
      return;
    }
    int port = Integer.parseInt(System.getenv("MASTER_PORT")) + numRuns;
    RankEnvironment environment =
        RankEnvironment.of(
            Map.of(
                "RANK", "" + rank,
                "WORLD_SIZE", "" + numRanks,
                "MASTER_ADDR", "127.0.0.1",
                "MASTER_PORT", "" + port,
                "TANUKI4J_RUN_TOKEN", "contract " + numRuns));
    try {
      RankProcess.run(
          environment,
          limit,
          NcclFactory::open,
          seat -> TestRanks.run(backend, seat::processGroups, body));
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** NCCL adds in an order of its own, and rounds types of sixteen bits after each addition. */
  @Override
  protected void assertSum(double[] actual, double[] expected, DType dtype) {
    double unit =
        switch (dtype) {
          case BF16 -> 0x1p-6;
          case F16 -> 0x1p-9;
          case F32 -> 1e-6;
          default -> 1e-15;
        };
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat(actual[i]).isCloseTo(expected[i], within(unit * (1 + Math.abs(expected[i]))));
    }
  }

  @Override
  protected int countedRanks(int numRanks) {
    return 1;
  }

  @Override
  protected boolean findsNan() {
    return false;
  }
}
