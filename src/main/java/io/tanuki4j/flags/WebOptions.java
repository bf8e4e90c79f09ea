package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.metrics.web.WebConfig;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link WebConfig}. */
public final class WebOptions {
  private static final int MAX_PORT = 65_535;

  @Option(
      names = "--web-port",
      paramLabel = "N",
      description =
          "Shows the run on a page at this port, with /metrics for Prometheus and /health; 0 for any"
              + " free port.")
  @Nullable Integer webPort;

  @Option(
      names = "--web-host",
      paramLabel = "ADDRESS",
      description =
          "The address of the page. One that other machines reach needs a token in the variable "
              + WebConfig.TOKEN_VARIABLE
              + ".")
  String webHost = "127.0.0.1";

  boolean isOn() {
    return webPort != null;
  }

  void check(Map<String, String> environment, Problems problems) {
    if (webPort == null) {
      return;
    }
    if (webPort < 0 || webPort > MAX_PORT) {
      problems.add("--web-port", webPort, "0 to 65535", "Choose a free port above 1023.");
    }
    String token = environment.get(WebConfig.TOKEN_VARIABLE);
    if (token != null && token.length() < WebConfig.MIN_TOKEN_LENGTH) {
      problems.add(
          WebConfig.TOKEN_VARIABLE,
          token.length() + " characters",
          "at least " + WebConfig.MIN_TOKEN_LENGTH,
          "For example: openssl rand -hex 16.");
    }
    checkHost(token, problems);
  }

  private void checkHost(@Nullable String token, Problems problems) {
    try {
      if (!InetAddress.getByName(webHost).isLoopbackAddress() && token == null) {
        problems.add(
            "--web-host",
            webHost,
            "a loopback address, or a token in " + WebConfig.TOKEN_VARIABLE,
            "Others could see the run: export a token, or use ssh -L with 127.0.0.1.");
      }
    } catch (UnknownHostException e) {
      problems.add("--web-host", webHost, "an address of this machine", "Check the name.");
    }
  }

  /**
   * Returns the configuration.
   *
   * @param save folder of checkpoints; null for none
   */
  @Nullable WebConfig toConfig(@Nullable Path save) {
    return webPort == null
        ? null
        : new WebConfig(webPort, webHost, save == null ? null : save.resolve("metrics.jsonl"));
  }
}
