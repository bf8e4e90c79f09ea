package io.tanuki4j.kernel.profile;

import com.google.gson.stream.JsonWriter;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * What a device and its host do over time, in the Trace Event Format of chrome://tracing, which
 * Perfetto reads as well. Calls of a device do not overlap; spans of the host nest.
 *
 * <p>Source: "Trace Event Format", Google, 2016: complete events ({@code "ph": "X"}), times in
 * microseconds.
 */
public final class Trace implements TimedCalls {
  private static final int HOST = 1;
  private static final int DEVICE = 2;
  private static final double MICROS_PER_MILLI = 1e3;
  private static final double NANOS_PER_MICRO = 1e3;

  private final int rank;
  private final long startNanos;
  private final List<Event> events = new ArrayList<>();
  private double deviceMicros;

  private record Event(int thread, String name, String category, String shape, Span span) {}

  private record Span(double startMicros, double micros, double flops, double bytes) {}

  /**
   * Starts a trace.
   *
   * @param rank for the name of the tracks
   * @param nanoTime of the host, now
   */
  public Trace(int rank, long nanoTime) {
    this.rank = rank;
    this.startNanos = nanoTime;
  }

  /** Adds a call; one that seems to begin before the last one ended, by rounding, begins then. */
  @Override
  public void add(KernelCall call, double startMillis, double millis) {
    double start = Math.max(startMillis * MICROS_PER_MILLI, deviceMicros);
    double end = Math.max(start, (startMillis + millis) * MICROS_PER_MILLI);
    deviceMicros = end;
    events.add(
        new Event(
            DEVICE,
            call.operation(),
            call.family().toString(),
            call.shape(),
            new Span(start, end - start, call.flops(), call.bytes())));
  }

  /** Adds a span of the host's time. */
  public void host(String name, long fromNanos, long toNanos) {
    double start = (fromNanos - startNanos) / NANOS_PER_MICRO;
    double micros = (toNanos - fromNanos) / NANOS_PER_MICRO;
    events.add(new Event(HOST, name, "host", "", new Span(start, micros, 0, 0)));
  }

  /** Writes the trace as JSON. */
  public void write(Path file) throws IOException {
    try (Writer out = Files.newBufferedWriter(file);
        JsonWriter json = new JsonWriter(out)) {
      json.beginObject().name("displayTimeUnit").value("ms").name("traceEvents").beginArray();
      track(json, "process_name", HOST, "rank " + rank);
      track(json, "thread_name", HOST, "host");
      track(json, "thread_name", DEVICE, "device");
      for (Event event : events) {
        write(event, json);
      }
      json.endArray().endObject();
    }
  }

  private void track(JsonWriter json, String what, int thread, String name) throws IOException {
    json.beginObject().name("ph").value("M").name("name").value(what);
    json.name("pid").value(rank).name("tid").value(thread);
    json.name("args").beginObject().name("name").value(name).endObject().endObject();
  }

  private void write(Event event, JsonWriter json) throws IOException {
    json.beginObject().name("ph").value("X").name("name").value(event.name);
    json.name("cat").value(event.category);
    json.name("pid").value(rank).name("tid").value(event.thread);
    json.name("ts").value(event.span.startMicros).name("dur").value(event.span.micros);
    json.name("args").beginObject();
    if (event.thread == DEVICE) {
      json.name("shape").value(event.shape);
      json.name("flops").value(event.span.flops).name("bytes").value(event.span.bytes);
    }
    json.endObject().endObject();
  }
}
