package io.tanuki4j.metrics.tensorboard;

import io.tanuki4j.metrics.proto.ProtoWriter;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.zip.CRC32C;

/**
 * One file of TensorBoard's events: records of length, masked CRC-32C of the length, an Event
 * message and its masked CRC-32C. Field numbers: event.proto and summary.proto of TensorFlow.
 */
final class EventFile implements AutoCloseable {
  private static final String VERSION = "brain.Event:2";
  private static final int MASK_SHIFT = 15;
  private static final int MASK_DELTA = 0xa282ead8;
  private static final int DT_STRING = 7;
  private static final double MILLIS_PER_SECOND = 1e3;

  private final OutputStream out;
  private final Clock clock;

  /** Creates a file with a new name in a folder, and the folder if it does not exist. */
  EventFile(Path folder, String host, Clock clock) throws IOException {
    this.clock = clock;
    Files.createDirectories(folder);
    long second = clock.millis() / 1000;
    long process = ProcessHandle.current().pid();
    int number = 0;
    Path file = folder.resolve(name(second, host, process, number));
    while (Files.exists(file)) {
      number++;
      file = folder.resolve(name(second, host, process, number));
    }
    out = Files.newOutputStream(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    write(event(0).text(3, VERSION));
  }

  private static String name(long second, String host, long process, int number) {
    return "events.out.tfevents.%010d.%s.%d.%d".formatted(second, host, process, number);
  }

  /** Adds a point to a curve. */
  void scalar(String tag, double value, long step) throws IOException {
    value(step, new ProtoWriter().text(1, tag).float32(2, (float) value));
  }

  /** Adds a text. */
  void text(String tag, String text, long step) throws IOException {
    ProtoWriter shape = new ProtoWriter().message(2, new ProtoWriter().number(1, 1));
    ProtoWriter tensor = new ProtoWriter().number(1, DT_STRING).message(2, shape).text(8, text);
    ProtoWriter plugin = new ProtoWriter().message(1, new ProtoWriter().text(1, "text"));
    value(
        step,
        new ProtoWriter().text(1, tag + "/text_summary").message(9, plugin).message(8, tensor));
  }

  void flush() throws IOException {
    out.flush();
  }

  @Override
  public void close() throws IOException {
    out.close();
  }

  private void value(long step, ProtoWriter value) throws IOException {
    write(event(step).message(5, new ProtoWriter().message(1, value)));
  }

  private ProtoWriter event(long step) {
    return new ProtoWriter().float64(1, clock.millis() / MILLIS_PER_SECOND).number(2, step);
  }

  private void write(ProtoWriter event) throws IOException {
    byte[] payload = event.toByteArray();
    ByteBuffer record =
        ByteBuffer.allocate(Long.BYTES + 2 * Integer.BYTES + payload.length)
            .order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(payload.length);
    record.putInt(masked(record.array(), Long.BYTES));
    record.put(payload).putInt(masked(payload, payload.length));
    out.write(record.array());
  }

  private static int masked(byte[] bytes, int size) {
    CRC32C checksum = new CRC32C();
    checksum.update(bytes, 0, size);
    return Integer.rotateRight((int) checksum.getValue(), MASK_SHIFT) + MASK_DELTA;
  }
}
