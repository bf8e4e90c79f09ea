package io.tanuki4j.launch;

import io.tanuki4j.comm.RankBody;
import io.tanuki4j.comm.RankEnvironment;
import io.tanuki4j.comm.RankProcess;
import io.tanuki4j.comm.SoloSeat;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.comm.nccl.NcclFactory;
import io.tanuki4j.comm.socket.SocketFactory;
import io.tanuki4j.config.DistributedConfig;
import java.util.Map;

/** Runs the ranks of a run that are in this process: the only one, all of them, or one of many. */
final class RankLauncher {
  private RankLauncher() {}

  /**
   * Returns when the ranks of this process are through.
   *
   * @param environment of the process, in which launchers say which rank it is
   * @throws io.tanuki4j.comm.CommunicationException if another rank failed or did not come
   * @throws RuntimeException what the body throws
   */
  static void run(DistributedConfig config, Map<String, String> environment, RankBody body) {
    try {
      if (config.worldSize() == 1) {
        body.run(new SoloSeat());
        return;
      }
      switch (config.backend()) {
        case LOCAL -> RankThreads.run(config.worldSize(), config.timeout(), body);
        case GLOO ->
            RankProcess.run(
                RankEnvironment.of(environment), config.timeout(), SocketFactory::open, body);
        case NCCL ->
            RankProcess.run(
                RankEnvironment.of(environment), config.timeout(), NcclFactory::open, body);
      }
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException("a rank failed: " + e.getMessage(), e);
    }
  }
}
