package io.tanuki4j.comm;

/** The work of one rank, run by a thread or by a process. */
@FunctionalInterface
public interface RankBody {
  void run(RankConnection seat) throws Exception;
}
