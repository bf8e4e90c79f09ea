package io.tanuki4j.run;

import io.tanuki4j.comm.RankBody;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.comm.SoloConnection;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.comm.nccl.NcclFactory;
import io.tanuki4j.comm.rendezvous.RankEnvironment;
import io.tanuki4j.comm.rendezvous.RankProcess;
import io.tanuki4j.comm.socket.SocketFactory;
import io.tanuki4j.config.DistributedConfig;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.Unchecked;
import java.util.Map;
import java.util.function.Consumer;

/** Runs the ranks of a run that are in this process: the only one, all of them, or one of many. */
public final class RankLauncher {
  private RankLauncher() {}

  /** What a rank does. */
  public interface Body {
    /**
     * @param closer takes what is opened; closes it in the end, after a failure once the other
     *     ranks know of it
     */
    public void run(RankConnection seat, Closer closer) throws Exception;
  }

  /**
   * Returns when the ranks of this process are through.
   *
   * @param environment of the process, in which launchers say which rank it is
   * @param log gets the line of rank 0 that says where it waits for other processes
   * @throws io.tanuki4j.comm.CommunicationException if another rank failed or did not come
   * @throws RuntimeException what the body throws
   */
  public static void run(
      DistributedConfig config, Map<String, String> environment, Consumer<String> log, Body work) {
    RankBody body = seat -> runAndClose(work, seat);
    try {
      if (config.worldSize() == 1) {
        body.run(new SoloConnection());
        return;
      }
      switch (config.backend()) {
        case LOCAL -> RankThreads.run(config.worldSize(), config.timeout(), body);
        case GLOO ->
            RankProcess.run(
                announced(environment, log), config.timeout(), SocketFactory::open, body);
        case NCCL ->
            RankProcess.run(announced(environment, log), config.timeout(), NcclFactory::open, body);
      }
    } catch (Exception e) {
      throw Unchecked.of("a rank failed", e);
    }
  }

  private static RankEnvironment announced(Map<String, String> environment, Consumer<String> log) {
    RankEnvironment own = RankEnvironment.of(environment);
    if (own.globalRank() == 0) {
      log.accept(
          "> rank 0 waits at %s for the others of %d ranks"
              .formatted(own.meeting(), own.worldSize()));
    }
    return own;
  }

  private static void runAndClose(Body work, RankConnection seat) throws Exception {
    try (Closer closer = new Closer()) {
      try {
        work.run(seat, closer);
      } catch (Exception | Error e) {
        seat.failed(e, FailureSentence.of(e));
        throw e;
      }
    }
  }
}
