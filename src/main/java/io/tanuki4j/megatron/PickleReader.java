package io.tanuki4j.megatron;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.error.UserException;
import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.Charset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Reads a pickle as data: numbers, texts, lists, maps, and objects as {@link PickledObject}s.
 * Nothing in it is ever called. A name that is not known to be data is rejected.
 */
final class PickleReader {
  private static final int HIGHEST_PROTOCOL = 5;
  private static final int MAX_BIG_INTEGER_BYTES = 1024;

  private final String source;
  private final ByteBuffer in;
  private final PickleStack stack;
  private final Function<Object, @Nullable Object> persistent;

  private PickleReader(
      String source, ByteBuffer in, Function<Object, @Nullable Object> persistent) {
    this.source = source;
    this.in = in.order(ByteOrder.LITTLE_ENDIAN);
    this.persistent = persistent;
    this.stack = new PickleStack(source);
  }

  /**
   * Reads one value.
   *
   * @param source the file, for messages
   * @param persistent resolves a reference to an object outside the pickle
   * @throws UserException if the pickle is damaged, or contains something other than data
   */
  static @Nullable Object read(
      String source, byte[] bytes, Function<Object, @Nullable Object> persistent) {
    PickleReader reader = new PickleReader(source, ByteBuffer.wrap(bytes), persistent);
    try {
      return reader.run();
    } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
      throw reader.damaged("it ends too soon");
    } catch (ClassCastException | IllegalArgumentException | ArithmeticException e) {
      throw reader.damaged("a value is of another kind than its operation needs");
    }
  }

  private @Nullable Object run() {
    while (true) {
      int opcode = in.get() & 0xff;
      if (opcode == '.') {
        return stack.pop();
      }
      if (!number(opcode) && !text(opcode) && !container(opcode) && !object(opcode)) {
        throw damaged(
            "operation 0x%02x before byte %d is none that checkpoints need"
                .formatted(opcode, in.position()));
      }
    }
  }

  private boolean number(int opcode) {
    switch (opcode) {
      case 0x80 -> checkProtocol(in.get() & 0xff);
      case 0x95 -> in.getLong(); // the length of a frame
      case 'N' -> stack.push(null);
      case 0x88 -> stack.push(true);
      case 0x89 -> stack.push(false);
      case 'J' -> stack.push((long) in.getInt());
      case 'K' -> stack.push((long) (in.get() & 0xff));
      case 'M' -> stack.push((long) (in.getShort() & 0xffff));
      case 0x8a -> stack.push(integer(in.get() & 0xff));
      case 0x8b -> stack.push(integer(in.getInt()));
      case 'G' -> stack.push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
      default -> {
        return false;
      }
    }
    return true;
  }

  private void checkProtocol(int protocol) {
    if (protocol > HIGHEST_PROTOCOL) {
      throw damaged("protocol %d (expected: up to %d)".formatted(protocol, HIGHEST_PROTOCOL));
    }
  }

  private Number integer(int length) {
    if (length > MAX_BIG_INTEGER_BYTES) {
      throw damaged("a number of %d bytes".formatted(length));
    }
    byte[] bytes = bytes(length);
    BigInteger value = length == 0 ? BigInteger.ZERO : new BigInteger(reversed(bytes));
    return value.bitLength() < Long.SIZE ? (Number) value.longValue() : value;
  }

  private static byte[] reversed(byte[] bytes) {
    byte[] reversed = new byte[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      reversed[i] = bytes[bytes.length - 1 - i];
    }
    return reversed;
  }

  private boolean text(int opcode) {
    switch (opcode) {
      case 'U' -> stack.push(text(in.get() & 0xff, ISO_8859_1));
      case 'T' -> stack.push(text(in.getInt(), ISO_8859_1));
      case 0x8c -> stack.push(text(in.get() & 0xff, UTF_8));
      case 'X' -> stack.push(text(in.getInt(), UTF_8));
      case 0x8d -> stack.push(text(in.getLong(), UTF_8));
      case 'C' -> stack.push(bytes(in.get() & 0xff));
      case 'B' -> stack.push(bytes(in.getInt()));
      case 0x8e, 0x96 -> stack.push(bytes(in.getLong()));
      default -> {
        return false;
      }
    }
    return true;
  }

  private String text(long length, Charset charset) {
    return new String(bytes(length), charset);
  }

  private byte[] bytes(long length) {
    if (length < 0 || length > in.remaining()) {
      throw damaged("%d bytes are announced where %d are left".formatted(length, in.remaining()));
    }
    byte[] bytes = new byte[(int) length];
    in.get(bytes);
    return bytes;
  }

  private boolean container(int opcode) {
    switch (opcode) {
      case '(' -> stack.mark();
      case '0' -> stack.pop();
      case '1' -> stack.popToMark();
      case '2' -> stack.push(stack.top());
      case ')' -> stack.push(List.of());
      case 't' -> stack.push(tuple(stack.popToMark()));
      case 0x85 -> stack.push(tuple(stack.pop(1)));
      case 0x86 -> stack.push(tuple(stack.pop(2)));
      case 0x87 -> stack.push(tuple(stack.pop(3)));
      case ']', 0x8f -> stack.push(new ArrayList<>());
      case 'l', 0x91 -> stack.push(stack.popToMark());
      case 'a' -> append(stack.pop(1));
      case 'e', 0x90 -> append(stack.popToMark());
      case '}' -> stack.push(stack.newMap());
      case 'd' -> stack.push(stack.put(stack.newMap(), stack.popToMark()));
      case 's' -> put(stack.pop(2));
      case 'u' -> put(stack.popToMark());
      case 'q' -> stack.remember(in.get() & 0xff);
      case 'r' -> stack.remember(in.getInt());
      case 0x94 -> stack.rememberNext();
      case 'h' -> stack.recall(in.get() & 0xff);
      case 'j' -> stack.recall(in.getInt());
      default -> {
        return false;
      }
    }
    return true;
  }

  private static List<@Nullable Object> tuple(List<@Nullable Object> values) {
    return Collections.unmodifiableList(values);
  }

  @SuppressWarnings("unchecked") // lists that were pushed here
  private void append(List<@Nullable Object> values) {
    if (stack.top() instanceof List<?> list) {
      ((List<@Nullable Object>) list).addAll(values);
    } else if (!(stack.top() instanceof PickledObject)) {
      throw damaged("something is appended to what is no list");
    }
  }

  @SuppressWarnings("unchecked") // maps that were pushed here
  private void put(List<@Nullable Object> pairs) {
    Object target = stack.top();
    if (target instanceof Map<?, ?> map) {
      stack.put((Map<@Nullable Object, @Nullable Object>) map, pairs);
    } else if (target instanceof PickledObject object) {
      stack.put(object.items(), pairs);
    } else {
      throw damaged("something is put into what is no map");
    }
  }

  private boolean object(int opcode) {
    switch (opcode) {
      case 'c' -> stack.push(global(line(), line()));
      case 0x93 -> {
        List<@Nullable Object> names = stack.pop(2);
        stack.push(global((String) names.get(0), (String) names.get(1)));
      }
      case 'R', 0x81 -> {
        List<@Nullable Object> call = stack.pop(2);
        stack.push(made(call.get(0), (List<?>) call.get(1)));
      }
      case 0x92 -> {
        List<@Nullable Object> call = stack.pop(3);
        stack.push(made(call.get(0), (List<?>) call.get(1)));
      }
      case 'b' -> build(stack.pop());
      case 'Q' -> stack.push(persistent.apply(stack.pop()));
      default -> {
        return false;
      }
    }
    return true;
  }

  private String line() {
    StringBuilder line = new StringBuilder();
    for (int c = in.get() & 0xff; c != '\n'; c = in.get() & 0xff) {
      line.append((char) c);
    }
    return line.toString();
  }

  private PickledClass global(@Nullable String module, @Nullable String name) {
    if (module == null || name == null || !PickledClass.isKnown(module, name)) {
      throw new UserException(
          "%s: it names %s.%s, which is no data of a checkpoint (expected: tensors, arguments and settings). Nothing of it was run; take a file that you trust."
              .formatted(source, printable(module), printable(name)));
    }
    return new PickledClass(module + "." + name);
  }

  private static String printable(@Nullable String name) {
    String text = String.valueOf(name).replaceAll("[^\\p{Graph} ]", "?");
    return text.length() > 80 ? text.substring(0, 80) + "…" : text;
  }

  private @Nullable Object made(@Nullable Object callee, List<?> arguments) {
    if (!(callee instanceof PickledClass type)) {
      throw damaged("something that is no class is called");
    }
    return TorchObjects.made(type.name(), new ArrayList<>(arguments), source);
  }

  private void build(@Nullable Object state) {
    if (stack.top() instanceof PickledObject object) {
      object.setState(state);
    } else if (!(stack.top() instanceof Map<?, ?>) && !(stack.top() instanceof TorchTensor)) {
      throw damaged("a state is given to what has none");
    }
  }

  private UserException damaged(String why) {
    return new UserException(
        "%s: it is no whole pickle of a checkpoint: %s. Copy it again.".formatted(source, why));
  }
}
