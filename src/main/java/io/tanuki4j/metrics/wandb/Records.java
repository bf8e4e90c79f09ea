package io.tanuki4j.metrics.wandb;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.tanuki4j.metrics.proto.ProtoWriter;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The messages of a run. Field numbers: wandb_internal.proto of github.com/wandb/wandb, which keeps
 * them stable, so that old logs stay readable.
 */
final class Records {
  static final int HISTORY = 2;
  static final int SUMMARY = 3;
  static final int STATS = 7;
  static final int OUTPUT = 13;
  static final int RUN = 17;
  static final int EXIT = 18;
  static final int FINAL = 20;
  static final int HEADER = 21;
  static final int FOOTER = 22;
  private static final int VALUE_JSON = 16;

  private static final Gson JSON =
      new GsonBuilder().serializeNulls().serializeSpecialFloatingPointValues().create();

  private Records() {}

  static ProtoWriter header() {
    return new ProtoWriter().message(1, new ProtoWriter().text(1, "tanuki4j"));
  }

  /**
   * Returns the record of a run.
   *
   * @param id of the run
   * @param arguments the run's settings
   */
  static ProtoWriter run(
      WandbConfig config,
      WandbEnvironment environment,
      String id,
      Map<String, @Nullable Object> arguments,
      Instant start) {
    ProtoWriter settings = new ProtoWriter();
    arguments.forEach((key, value) -> settings.message(1, item(key, value)));
    ProtoWriter run =
        new ProtoWriter()
            .text(1, id)
            .text(2, config.entity() == null ? environment.entity() : config.entity())
            .text(3, config.project())
            .message(4, settings)
            .text(6, environment.run().group())
            .text(7, environment.run().jobType())
            .text(8, config.name())
            .text(9, environment.run().notes());
    for (String tag : environment.run().tags().split(",", -1)) {
      run.text(10, tag.strip());
    }
    return run.text(13, environment.host()).message(17, timestamp(start));
  }

  static ProtoWriter history(long step, Map<String, ?> values) {
    ProtoWriter history = new ProtoWriter();
    values.forEach((key, value) -> history.message(1, item(key, value)));
    return history.message(2, new ProtoWriter().number(1, step));
  }

  static ProtoWriter summary(Map<String, ?> values) {
    ProtoWriter summary = new ProtoWriter();
    values.forEach((key, value) -> summary.message(1, item(key, value)));
    return summary;
  }

  static ProtoWriter stats(Instant time, Map<String, ?> values) {
    ProtoWriter stats = new ProtoWriter().message(2, timestamp(time));
    values.forEach((key, value) -> stats.message(3, item(key, value)));
    return stats;
  }

  static ProtoWriter output(Instant time, String line) {
    return new ProtoWriter().number(1, 1).message(2, timestamp(time)).text(3, line + "\n");
  }

  static ProtoWriter exit(int code, long seconds) {
    return new ProtoWriter().number(1, code).number(2, seconds);
  }

  /** Returns W&amp;B's JSON, in which NaN and Infinity count as numbers. */
  static String json(Map<String, ?> values) {
    return JSON.toJson(values);
  }

  private static ProtoWriter item(String key, @Nullable Object value) {
    return new ProtoWriter().text(1, key).text(VALUE_JSON, JSON.toJson(value));
  }

  private static ProtoWriter timestamp(Instant time) {
    return new ProtoWriter().number(1, time.getEpochSecond()).number(2, time.getNano());
  }
}
