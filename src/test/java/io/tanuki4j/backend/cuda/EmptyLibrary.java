package io.tanuki4j.backend.cuda;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes a shared library (64-bit ELF) that has a name and nothing else. A machine without a driver
 * loads it in place of libcuda.so.1, which the bindings are linked to but which a compiler test
 * never calls.
 */
final class EmptyLibrary {
  private static final int HEADER_BYTES = 64;
  private static final int PROGRAM_HEADER_BYTES = 56;
  private static final int SYMBOL_BYTES = 24;
  private static final int DYNAMIC_AT = HEADER_BYTES + 3 * PROGRAM_HEADER_BYTES;
  private static final int DYNAMIC_BYTES = 7 * 16;
  private static final int SYMBOLS_AT = DYNAMIC_AT + DYNAMIC_BYTES;
  private static final int HASH_AT = SYMBOLS_AT + SYMBOL_BYTES;
  private static final int HASH_BYTES = 16;
  private static final int STRINGS_AT = HASH_AT + HASH_BYTES;
  private static final int PT_LOAD = 1;
  private static final int PT_DYNAMIC = 2;
  private static final int PT_GNU_STACK = 0x6474e551;
  private static final long PAGE = 0x1000;

  private EmptyLibrary() {}

  /** Writes the file {@code folder/soname} for x86-64. */
  static Path write(Path folder, String soname) throws IOException {
    byte[] strings = ("\0" + soname + "\0").getBytes(StandardCharsets.US_ASCII);
    int size = STRINGS_AT + strings.length;
    ByteBuffer elf = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    header(elf);
    programHeader(elf, PT_LOAD, 0, size, PAGE);
    programHeader(elf, PT_DYNAMIC, DYNAMIC_AT, DYNAMIC_BYTES, 8);
    programHeader(elf, PT_GNU_STACK, 0, 0, 16);
    elf.putLong(4).putLong(HASH_AT); // DT_HASH
    elf.putLong(5).putLong(STRINGS_AT); // DT_STRTAB
    elf.putLong(6).putLong(SYMBOLS_AT); // DT_SYMTAB
    elf.putLong(10).putLong(strings.length); // DT_STRSZ
    elf.putLong(11).putLong(SYMBOL_BYTES); // DT_SYMENT
    elf.putLong(14).putLong(1); // DT_SONAME
    elf.putLong(0).putLong(0); // DT_NULL
    elf.position(HASH_AT).putInt(1).putInt(1).putInt(0).putInt(0); // one bucket, one symbol
    elf.put(strings);
    return Files.write(folder.resolve(soname), elf.array());
  }

  private static void header(ByteBuffer elf) {
    elf.put(new byte[] {0x7f, 'E', 'L', 'F', 2, 1, 1}).position(16);
    elf.putShort((short) 3).putShort((short) 62).putInt(1); // a shared object for x86-64
    elf.putLong(0).putLong(HEADER_BYTES).putLong(0).putInt(0);
    elf.putShort((short) HEADER_BYTES).putShort((short) PROGRAM_HEADER_BYTES).putShort((short) 3);
    elf.position(HEADER_BYTES);
  }

  private static void programHeader(ByteBuffer elf, int type, long at, long bytes, long alignment) {
    int readAndWrite = 6;
    elf.putInt(type).putInt(readAndWrite).putLong(at).putLong(at).putLong(at);
    elf.putLong(bytes).putLong(bytes).putLong(alignment);
  }
}
