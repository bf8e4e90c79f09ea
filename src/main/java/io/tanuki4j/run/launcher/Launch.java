package io.tanuki4j.run.launcher;

import io.tanuki4j.run.launcher.RankChild.Streams;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Runs the ranks of a plan to their end, and again after a failure if the plan says so. */
public final class Launch {
  private final LaunchSpec plan;
  private final Streams streams;
  private final Consumer<String> say;
  private @Nullable RankChildren children;
  private int numRequests;
  private String signal = "";

  /**
   * @param out takes the ranks' output
   * @param err takes what they write to their other output
   * @param say takes the launcher's own lines
   */
  public Launch(LaunchSpec plan, PrintStream out, PrintStream err, Consumer<String> say) {
    this.plan = plan;
    this.streams = new Streams(out, err);
    this.say = say;
  }

  /**
   * @return 0, or the exit code of the rank that failed first at the last start
   * @throws UncheckedIOException if the system starts no processes
   */
  public int run() {
    int code = runOnce(0);
    for (int restart = 1; code != 0 && restart <= plan.maxRestarts() && !isStopping(); restart++) {
      say.accept("restart %d of %d".formatted(restart, plan.maxRestarts()));
      code = runOnce(restart);
    }
    return code;
  }

  private int runOnce(int start) {
    try {
      RankChildren started = RankChildren.start(plan, start, streams, say);
      use(started);
      return started.await();
    } catch (IOException e) {
      throw new UncheckedIOException("cannot start the ranks: %s.".formatted(e.getMessage()), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      request("TERM");
      throw new IllegalStateException("the launcher was interrupted", e);
    }
  }

  private synchronized void use(RankChildren started) {
    children = started;
    if (numRequests > 0) {
      passOn(signal, started);
    }
  }

  private void passOn(String received, RankChildren started) {
    if (numRequests == 1) {
      started.signal(received);
    } else {
      started.kill();
    }
  }

  private synchronized boolean isStopping() {
    return numRequests > 0;
  }

  /**
   * Passes a wish to stop on to the ranks; the second one ends them. Nothing starts again.
   *
   * @param received the signal by its name: {@code INT} or {@code TERM}
   */
  public synchronized void request(String received) {
    signal = received;
    numRequests++;
    if (numRequests == 1) {
      say.accept("forwarded SIG%s to the ranks; send it again to kill them".formatted(received));
    }
    if (children != null) {
      passOn(received, children);
    }
  }
}
