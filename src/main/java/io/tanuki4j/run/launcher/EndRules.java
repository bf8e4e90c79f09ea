package io.tanuki4j.run.launcher;

import java.time.Duration;

/**
 * What happens to the other ranks when one fails. They are given a moment to notice it themselves,
 * then SIGTERM, then SIGKILL.
 *
 * @param consequence exit code of a rank that ended because another did
 * @param notice from the failure to SIGTERM
 * @param lastWords from the failure to SIGKILL
 */
public record EndRules(int consequence, Duration notice, Duration lastWords) {
  /** Returns rules by which all ranks end within half a minute. */
  public static EndRules of(int consequence) {
    return new EndRules(consequence, Duration.ofSeconds(5), Duration.ofSeconds(25));
  }
}
