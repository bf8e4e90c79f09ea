package io.tanuki4j.data.preprocess;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.github.luben.zstd.Zstd;
import io.tanuki4j.error.UserException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Damaged packed files, where the JDK's and zstd-jni's own streams lose text in silence. */
class PackedFilesTest {
  private static final byte[] TEXT = "{\"text\": \"1 2 3\"}\n".getBytes(StandardCharsets.UTF_8);

  @Test
  void members_and_frames_follow_each_other() throws IOException {
    byte[] twice = join(TEXT, TEXT);
    assertThat(unpack("x.gz", join(gzip(TEXT), gzip(TEXT)))).isEqualTo(twice);
    assertThat(unpack("x.zst", join(Zstd.compress(TEXT), Zstd.compress(TEXT)))).isEqualTo(twice);
  }

  @Test
  void zeros_behind_the_last_member_are_read_over() throws IOException {
    assertThat(unpack("x.gz", join(gzip(TEXT), new byte[1000]))).isEqualTo(TEXT);
  }

  @Test
  void a_header_may_have_a_name_a_comment_extra_bytes_and_a_checksum() throws IOException {
    byte[] header = {0x1f, (byte) 0x8b, 8, 0x1e, 0, 0, 0, 0, 0, 3, 2, 0, 7, 7, 'n', 0, 'c', 0};
    CRC32 crc = new CRC32();
    crc.update(header);
    byte[] checksum = {(byte) crc.getValue(), (byte) (crc.getValue() >> Byte.SIZE)};
    byte[] plain = gzip(TEXT);
    byte[] deflated = Arrays.copyOfRange(plain, 10, plain.length);
    assertThat(unpack("x.gz", join(join(header, checksum), deflated))).isEqualTo(TEXT);
    checksum[0]++;
    assertRefused("x.gz", join(join(header, checksum), deflated));
  }

  @ParameterizedTest
  @ValueSource(strings = {"x.gz", "x.zst"})
  void every_cut_in_a_later_part_is_refused(String name) {
    byte[] part = name.endsWith("gz") ? gzip(TEXT) : Zstd.compress(TEXT);
    byte[] two = join(part, part);
    for (int size = 0; size < two.length; size++) {
      if (size != part.length) {
        assertRefused(name, Arrays.copyOf(two, size));
      }
    }
  }

  @Test
  void every_damaged_byte_of_a_gzip_header_trailer_or_gap_is_refused() {
    byte[] member = gzip(TEXT);
    for (int at : new int[] {0, 1, 2, 3, member.length - 8, member.length - 1}) {
      byte[] damaged = gzip(TEXT);
      damaged[at] ^= 0x41;
      assertRefused("x.gz", join(member, damaged));
    }
    assertRefused("x.gz", join(join(member, new byte[] {1, 2, 3}), member));
    assertRefused("x.gz", join(join(member, new byte[4]), member));
  }

  @Test
  void large_texts_come_through() throws IOException {
    byte[] large = new byte[3_000_000];
    new Random(1).nextBytes(large);
    Arrays.fill(large, 1_000_000, 2_000_000, (byte) 'a');
    large[0] = '{';
    assertThat(unpack("x.gz", join(gzip(large), gzip(large)))).isEqualTo(join(large, large));
    byte[] frames = join(Zstd.compress(large), Zstd.compress(large));
    assertThat(unpack("x.zst", frames)).isEqualTo(join(large, large));
  }

  static Stream<Arguments> foreignFiles() {
    return Stream.of(
        Arguments.of("PAR1....", "a Parquet file"),
        Arguments.of("ARROW1..", "an Arrow file"),
        Arguments.of("\u00ff\u00ff\u00ff\u00ff", "an Arrow stream"),
        Arguments.of("PK\u0003\u0004..", "a zip archive"),
        Arguments.of("\u00fd7zXZ\u0000", "packed with xz"),
        Arguments.of("BZh91AY", "packed with bzip2"),
        Arguments.of("\u001f\u008b..", "packed with gzip"),
        Arguments.of("(\u00b5/\u00fd..", "packed with zstd"),
        Arguments.of("\u0093NUMPY", "a numpy array"),
        Arguments.of("\u0080\u0004\u0095", "a pickle"),
        Arguments.of("\u0009\u0001\0\0\0\0\0\0{", "a safetensors file"),
        Arguments.of("\u00ef\u00bb\u00bf{", "text with a byte order mark"));
  }

  @ParameterizedTest(name = "{1}")
  @MethodSource("foreignFiles")
  void known_kinds_of_files_are_named_plain_or_packed(String start, String name) {
    byte[] bytes = start.getBytes(StandardCharsets.ISO_8859_1);
    for (String file : new String[] {"x.jsonl", "x.gz"}) {
      byte[] packed = file.endsWith("gz") ? gzip(bytes) : bytes;
      assertThatExceptionOfType(UserException.class)
          .isThrownBy(() -> unpack(file, packed))
          .withMessageStartingWith("%s: it is %s (expected: JSON lines", file, name)
          .withMessageEndingWith(".");
    }
  }

  private static void assertRefused(String name, byte[] bytes) {
    assertThatThrownBy(() -> unpack(name, bytes))
        .as("%d bytes", bytes.length)
        .isInstanceOf(IOException.class);
  }

  private static byte[] unpack(String name, byte[] bytes) throws IOException {
    try (InputStream in = InputFiles.unpack(Path.of(name), new ByteArrayInputStream(bytes))) {
      return in.readAllBytes();
    }
  }

  private static byte[] gzip(byte[] text) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
      gzip.write(text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    return out.toByteArray();
  }

  private static byte[] join(byte[] a, byte[] b) {
    byte[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }
}
