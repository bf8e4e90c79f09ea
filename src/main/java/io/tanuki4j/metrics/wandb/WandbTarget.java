package io.tanuki4j.metrics.wandb;

import io.tanuki4j.metrics.wandb.OnlineRun.Pace;
import java.time.Duration;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** The server that runs are sent to; none without a key, or if the user turned it off. */
public final class WandbTarget {
  private static final String DEFAULT_BASE = "https://api.wandb.ai";
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final String base;
  private final @Nullable String key;
  private final Pace pace;

  WandbTarget(String base, @Nullable String key, Pace pace) {
    this.base = base;
    this.key = key;
    this.pace = pace;
  }

  /** Reads W&amp;B's variables. */
  public static WandbTarget of(Map<String, String> variables) {
    String base = variables.getOrDefault("WANDB_BASE_URL", DEFAULT_BASE).replaceFirst("/+$", "");
    String mode = variables.getOrDefault("WANDB_MODE", "");
    boolean offline = mode.equals("offline") || mode.equals("dryrun");
    return new WandbTarget(base, offline ? null : ApiKey.find(variables, base), Pace.USUAL);
  }

  /** Returns a target without a server. */
  static WandbTarget none() {
    return new WandbTarget(DEFAULT_BASE, null, Pace.USUAL);
  }

  boolean isOnline() {
    return key != null;
  }

  /**
   * The receivers of news about a run on a server.
   *
   * @param page receives the run's address
   * @param failure receives the reason why sending ended
   */
  record Reporter(Consumer<String> page, Consumer<String> failure) {}

  /** Starts to send a run to the server. */
  OnlineRun open(
      WandbConfig config,
      WandbEnvironment environment,
      String id,
      Map<String, @Nullable Object> arguments,
      Reporter reporter) {
    if (key == null) {
      throw new IllegalStateException("no key");
    }
    return new OnlineRun(
        new WandbServer(base, key, TIMEOUT),
        new RunRequest(base, id, config, environment, arguments),
        pace,
        reporter.page,
        reporter.failure);
  }
}
