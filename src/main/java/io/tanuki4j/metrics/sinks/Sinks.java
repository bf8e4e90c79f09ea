package io.tanuki4j.metrics.sinks;

import io.tanuki4j.metrics.ConsoleSink;
import io.tanuki4j.metrics.FanOutSink;
import io.tanuki4j.metrics.LogTail;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.RunLog;
import io.tanuki4j.metrics.tensorboard.TensorBoardSink;
import io.tanuki4j.metrics.wandb.WandbEnvironment;
import io.tanuki4j.metrics.wandb.WandbSink;
import io.tanuki4j.metrics.wandb.WandbTarget;
import io.tanuki4j.metrics.web.WebConfig;
import io.tanuki4j.metrics.web.WebSink;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Opens the sinks of the reporting rank. This is the one place to add a new sink. */
public final class Sinks {
  private static final long CLOSE_SECONDS = 30;

  private Sinks() {}

  /**
   * Opens the configured sinks.
   *
   * @param console receives Megatron's lines, and a warning for a sink that fails
   * @param clock sets the time zone of the printed times
   * @param variables of the environment
   */
  public static MetricsSink open(
      SinkConfig config, LogTail console, Clock clock, Map<String, String> variables) {
    List<MetricsSink> sinks = new ArrayList<>();
    sinks.add(new ConsoleSink(console, clock));
    if (config.progress()) {
      sinks.add(new ProgressSink(console));
    }
    if (config.metricsFolder() != null) {
      sinks.add(background(MetricsFile.NAME, new MetricsFile(config.metricsFolder()), console));
    }
    if (config.tensorBoard() != null) {
      TensorBoardSink sink = new TensorBoardSink(config.tensorBoard(), host(), clock);
      sinks.add(background("TensorBoard", sink, console));
    }
    WandbEnvironment environment = WandbEnvironment.of(variables, host());
    if (config.wandb() != null && !environment.isDisabled()) {
      WandbTarget target = WandbTarget.of(variables);
      WandbSink sink = new WandbSink(config.wandb(), environment, target, clock, console::message);
      sinks.add(background("Weights & Biases", sink, console));
    }
    if (config.web() != null) {
      String token = variables.get(WebConfig.TOKEN_VARIABLE);
      sinks.add(background("web page", new WebSink(config.web(), token, console, clock), console));
    }
    return new FanOutSink(sinks);
  }

  private static MetricsSink background(String name, MetricsSink sink, RunLog console) {
    return new BackgroundSink(name, sink, CLOSE_SECONDS, console::message);
  }

  private static String host() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      return "localhost";
    }
  }

  /** Returns the sink of a rank that does not report. */
  public static MetricsSink none() {
    return new FanOutSink(List.of());
  }
}
