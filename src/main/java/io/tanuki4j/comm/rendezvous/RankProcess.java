package io.tanuki4j.comm.rendezvous;

import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.RankBody;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.kernel.Device;
import java.time.Duration;
import java.util.Map;

/** Runs this process as one rank of several. */
public final class RankProcess {
  private RankProcess() {}

  /**
   * Meets the other ranks, runs the body, and leaves. If the body fails, the other ranks are told
   * why and fail too.
   *
   * @param limit how long a rank waits for another
   * @param transport how the ranks exchange tensors, once they have met
   * @throws CommunicationException if ranks could not meet, or another rank failed first
   * @throws Exception what the body throws
   */
  public static void run(
      RankEnvironment environment, Duration limit, Transport transport, RankBody body)
      throws Exception {
    try (Rendezvous rendezvous = Rendezvous.join(environment, limit);
        StuckRank unused = new StuckRank(rendezvous)) {
      RankConnection seat = new Seat(rendezvous, transport);
      try {
        body.run(seat);
      } catch (Exception | Error e) {
        seat.failed(e, FailureSentence.of(e));
        throw e;
      }
    }
  }

  private record Seat(Rendezvous rendezvous, Transport transport) implements RankConnection {
    @Override
    public int globalRank() {
      return rendezvous.environment().globalRank();
    }

    @Override
    public int worldSize() {
      return rendezvous.environment().worldSize();
    }

    @Override
    public int localRank() {
      return rendezvous.environment().localRank();
    }

    @Override
    public int localWorldSize() {
      return rendezvous.environment().localWorldSize();
    }

    @Override
    public void requireSame(Map<String, String> flags) {
      FlagAgreement.require(rendezvous, flags);
    }

    @Override
    public ProcessGroupFactory processGroups(Device device) {
      return transport.open(rendezvous, device);
    }

    @Override
    public void failed(Throwable cause, String reason) {
      boolean byAnother = cause instanceof CommunicationException;
      rendezvous.fail(byAnother ? reason : "rank %d failed: %s".formatted(globalRank(), reason));
    }
  }
}
