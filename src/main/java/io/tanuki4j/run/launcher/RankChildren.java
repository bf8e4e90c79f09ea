package io.tanuki4j.run.launcher;

import io.tanuki4j.run.launcher.RankChild.Streams;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The ranks of one start; when one fails, all end. */
final class RankChildren {
  private final EndRules rules;
  private final Consumer<String> say;
  private final List<RankChild> children = new ArrayList<>();
  private final BlockingQueue<RankChild> ended = new LinkedBlockingQueue<>();
  private @Nullable RankChild culprit;
  private boolean told;
  private int step;

  private RankChildren(EndRules rules, Consumer<String> say) {
    this.rules = rules;
    this.say = say;
  }

  /**
   * @param start 0 for the first, then the number of the restart
   * @param say takes the launcher's own lines
   * @throws IOException if the system starts no process; those that it did start are killed
   */
  static RankChildren start(LaunchSpec plan, int start, Streams streams, Consumer<String> say)
      throws IOException {
    RankChildren all = new RankChildren(plan.endRules(), say);
    int port = plan.master().port() == 0 ? freePort() : plan.master().port();
    try {
      for (int local = 0; local < plan.ranks().perNode(); local++) {
        all.children.add(
            RankChild.start(
                plan.globalRank(local),
                plan.command(),
                plan.environment(local, start, port),
                streams,
                all.ended::add));
      }
      return all;
    } catch (IOException e) {
      all.kill();
      throw e;
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /**
   * Waits for the end of all ranks.
   *
   * @return the exit code of the rank that failed first; 0 if none did
   */
  int await() throws InterruptedException {
    long failedAt = 0;
    int numEnded = 0;
    while (numEnded < children.size()) {
      RankChild next = culprit == null ? ended.take() : nextOrAct(failedAt);
      if (next != null) {
        numEnded++;
        consider(next);
        failedAt = failedAt == 0 && culprit != null ? System.nanoTime() : failedAt;
      }
    }
    tell();
    return culprit == null ? 0 : culprit.exitCode();
  }

  /** Returns the next rank to end; null if it was time to act on the living ones. */
  private @Nullable RankChild nextOrAct(long failedAt) throws InterruptedException {
    Duration until =
        step == 0 ? rules.notice() : step == 1 ? rules.lastWords() : Duration.ofDays(1);
    long left = failedAt + until.toNanos() - System.nanoTime();
    RankChild next = ended.poll(Math.max(0, left), TimeUnit.NANOSECONDS);
    if (next == null) {
      tell();
      endTheLiving();
      step++;
    }
    return next;
  }

  private void endTheLiving() {
    List<Integer> ranks = living().stream().map(RankChild::rank).toList();
    if (!ranks.isEmpty()) {
      say.accept("%s ranks %s".formatted(step == 0 ? "ending" : "killing", ranks));
    }
    living().forEach(step == 0 ? RankChild::terminate : RankChild::kill);
  }

  private List<RankChild> living() {
    return children.stream().filter(RankChild::isAlive).toList();
  }

  /** Keeps the first failed rank that did not fail because of another. */
  private void consider(RankChild child) {
    if (child.exitCode() == 0) {
      return;
    }
    if (culprit == null || (!told && culprit.exitCode() == rules.consequence())) {
      culprit = child;
    }
    if (culprit.exitCode() != rules.consequence()) {
      tell();
    }
  }

  private void tell() {
    RankChild failed = culprit;
    if (failed == null || told) {
      return;
    }
    told = true;
    StringBuilder text = new StringBuilder(failed.describeEnd());
    List<String> lines = failed.lastLines();
    text.append(lines.isEmpty() ? " and said nothing." : ". Its last lines:");
    lines.forEach(line -> text.append("\n  ").append(line));
    say.accept(text.toString());
  }

  /**
   * Sends them a signal.
   *
   * @param name {@code INT}
   */
  void signal(String name) {
    for (RankChild rank : living()) {
      try {
        rank.signal(name);
      } catch (IOException e) {
        say.accept(
            "rank %d gets SIGTERM for SIG%s, which cannot be sent: %s"
                .formatted(rank.rank(), name, e.getMessage()));
        rank.terminate();
      }
    }
  }

  void kill() {
    living().forEach(RankChild::kill);
  }
}
