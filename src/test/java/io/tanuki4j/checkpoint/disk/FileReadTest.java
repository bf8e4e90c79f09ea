package io.tanuki4j.checkpoint.disk;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileReadTest {
  private static final int SIZE = 2 * FileRead.BLOCK_BYTES + 5000;

  @TempDir Path folder;
  private final byte[] content = new byte[SIZE];
  private FileChannel channel;

  @BeforeEach
  void write() throws IOException {
    new Random(1).nextBytes(content);
    channel = FileChannel.open(Files.write(folder.resolve("file"), content));
  }

  @AfterEach
  void close() throws IOException {
    channel.close();
  }

  @Test
  void gives_the_same_bytes_at_every_alignment() throws IOException {
    ByteBuffer memory = ByteBuffer.allocateDirect(SIZE + 3 * 4096).alignedSlice(4096);
    for (int position : new int[] {0, 1, 31, 4095, 4100}) {
      for (int offset : new int[] {0, 1, 16, 31, 32, 33, 4090}) {
        for (int count : new int[] {1, 5000, SIZE - position}) {
          ByteBuffer into = memory.slice(offset, count);
          FileRead.fully(channel, position, into);
          assertThat(into.hasRemaining()).isFalse();
          byte[] read = new byte[count];
          into.get(0, read);
          assertThat(read).isEqualTo(Arrays.copyOfRange(content, position, position + count));
        }
      }
    }
  }

  @Test
  void gives_memory_that_begins_at_a_page() {
    ByteBuffer memory = FileRead.newBuffer(5000);
    assertThat(memory.alignmentOffset(0, 4096)).isZero();
    assertThat(memory.capacity()).isEqualTo(5000);
  }

  @Test
  void fills_the_rest_of_a_buffer_on_the_heap() throws IOException {
    ByteBuffer into = ByteBuffer.allocate(SIZE).position(3);
    FileRead.fully(channel, 3, into);
    content[0] = 0;
    content[1] = 0;
    content[2] = 0;
    assertThat(into.array()).isEqualTo(content);
  }

  @Test
  void fails_where_the_file_ends() {
    for (ByteBuffer into :
        new ByteBuffer[] {ByteBuffer.allocate(9), ByteBuffer.allocateDirect(9)}) {
      assertThatThrownBy(() -> FileRead.fully(channel, SIZE - 8, into))
          .isInstanceOf(EOFException.class)
          .hasMessage("the file ends at byte " + SIZE);
    }
  }
}
