package io.tanuki4j.megatron;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes a pickle of protocol 2, with only the operations that torch's safe loader accepts. */
final class PickleWriter {
  private static final int MARK = '(';

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final DataOutputStream out = new DataOutputStream(bytes);

  private PickleWriter() {}

  /**
   * An argparse.Namespace.
   *
   * @param attributes its arguments by their names
   */
  record Namespace(Map<String, ? extends @Nullable Object> attributes) {}

  /** Writes one value: null, booleans, numbers, texts, lists, maps, namespaces and tensors. */
  static byte[] write(@Nullable Object value) {
    PickleWriter writer = new PickleWriter();
    try {
      writer.out.write(new byte[] {(byte) 0x80, 2});
      writer.put(value);
      writer.out.write('.');
      return writer.bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException("memory is written", e);
    }
  }

  private void put(@Nullable Object value) throws IOException {
    if (value == null) {
      out.write('N');
    } else if (value instanceof Boolean truth) {
      out.write(truth ? 0x88 : 0x89);
    } else if (value instanceof Double || value instanceof Float) {
      out.write('G');
      out.writeDouble(((Number) value).doubleValue());
    } else if (value instanceof Number number) {
      putInteger(number.longValue());
    } else if (value instanceof String text) {
      putText(text);
    } else {
      putObject(value);
    }
  }

  private void putObject(Object value) throws IOException {
    if (value instanceof List<?> list) {
      putList(list);
    } else if (value instanceof Map<?, ?> map) {
      putClass("collections", "OrderedDict");
      out.write(new byte[] {')', 'R'});
      putItems(map);
    } else if (value instanceof Namespace namespace) {
      putClass("argparse", "Namespace");
      out.write(new byte[] {')', (byte) 0x81, '}'});
      putItems(namespace.attributes());
      out.write('b');
    } else if (value instanceof TorchTensor tensor) {
      putTensor(tensor);
    } else {
      throw new IllegalArgumentException("a pickle of " + value.getClass());
    }
  }

  private void putInteger(long value) throws IOException {
    if (value == (int) value) {
      out.write('J');
      out.writeInt(Integer.reverseBytes((int) value));
    } else {
      out.write(new byte[] {(byte) 0x8a, Long.BYTES});
      out.writeLong(Long.reverseBytes(value));
    }
  }

  private void putText(String text) throws IOException {
    byte[] utf8 = text.getBytes(UTF_8);
    out.write('X');
    out.writeInt(Integer.reverseBytes(utf8.length));
    out.write(utf8);
  }

  private void putClass(String module, String name) throws IOException {
    out.write(("c" + module + "\n" + name + "\n").getBytes(US_ASCII));
  }

  private void putList(List<?> list) throws IOException {
    out.write(new byte[] {']', MARK});
    for (Object each : list) {
      put(each);
    }
    out.write('e');
  }

  private void putItems(Map<?, ?> items) throws IOException {
    out.write(MARK);
    for (Map.Entry<?, ?> item : items.entrySet()) {
      put(item.getKey());
      put(item.getValue());
    }
    out.write('u');
  }

  private void putTuple(List<?> values) throws IOException {
    out.write(MARK);
    for (Object each : values) {
      put(each);
    }
    out.write('t');
  }

  /** Writes a call that makes a tensor from a storage, which the archive holds under its key. */
  private void putTensor(TorchTensor tensor) throws IOException {
    putClass("torch._utils", "_rebuild_tensor_v2");
    out.write(new byte[] {MARK, MARK});
    putText("storage");
    putClass("torch", tensor.type().storage());
    putText(tensor.key());
    putText("cpu");
    putInteger(tensor.numStored());
    out.write(new byte[] {'t', 'Q'});
    putInteger(tensor.offset());
    putTuple(tensor.sizes());
    putTuple(tensor.strides());
    out.write(0x89);
    putClass("collections", "OrderedDict");
    out.write(new byte[] {')', 'R', 't', 'R'});
  }
}
