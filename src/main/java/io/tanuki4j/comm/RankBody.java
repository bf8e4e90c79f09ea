package io.tanuki4j.comm;

/** The work of one rank, whether a thread or a process runs it. */
@FunctionalInterface
public interface RankBody {
  void run(RankConnection seat) throws Exception;
}
