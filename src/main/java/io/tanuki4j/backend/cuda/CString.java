package io.tanuki4j.backend.cuda;

import java.nio.charset.StandardCharsets;
import org.bytedeco.javacpp.BytePointer;

/** Text that a native library wrote into a buffer of ours: it ends at the first zero. */
final class CString {
  private CString() {}

  static String read(BytePointer buffer) {
    byte[] bytes = new byte[Math.toIntExact(buffer.capacity())];
    buffer.get(bytes);
    int length = 0;
    while (length < bytes.length && bytes[length] != 0) {
      length++;
    }
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }
}
