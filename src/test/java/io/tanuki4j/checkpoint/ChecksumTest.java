package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.disk.NewFile;
import java.nio.ByteBuffer;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class ChecksumTest {
  private static final int SIZE = 100_003;

  @Test
  void parts_in_any_order_give_the_checksum_of_the_whole() {
    byte[] bytes = new byte[SIZE];
    new Random(7).nextBytes(bytes);
    CRC32C whole = new CRC32C();
    whole.update(bytes);
    NewFile.Checksum parts = new NewFile.Checksum();
    int[] cuts = {0, 1, 2, 4096, 65536, 70000, SIZE};
    for (int i = cuts.length - 1; i > 0; i--) {
      int length = cuts[i] - cuts[i - 1];
      parts.add(
          cuts[i - 1], length, NewFile.Checksum.of(ByteBuffer.wrap(bytes, cuts[i - 1], length)));
    }
    assertThat(parts.total(SIZE)).isEqualTo(whole.getValue());
  }

  @Test
  void nothing_has_the_checksum_of_nothing() {
    assertThat(new NewFile.Checksum().total(0)).isZero();
  }

  @Test
  void holes_and_a_missing_end_are_noticed() {
    NewFile.Checksum parts = new NewFile.Checksum();
    parts.add(1, 4, 0);
    assertThatThrownBy(() -> parts.total(5)).hasMessage("a part begins at byte 1 (expected: 0)");
    parts.add(0, 1, 0);
    assertThat(parts.total(5)).isNotNegative();
    assertThatThrownBy(() -> parts.total(6)).hasMessage("parts of 5 bytes (expected: 6)");
  }

  @Test
  void gaps_are_what_no_part_has_and_overlaps_do_not_count() {
    NewFile.Checksum parts = new NewFile.Checksum();
    parts.add(2, 3, 0);
    parts.add(4, 3, 0);
    parts.add(0, 3, 0);
    parts.add(8, 1, 0);
    assertThat(parts.gaps(10))
        .containsExactly(
            new NewFile.Checksum.Range(0, 2),
            new NewFile.Checksum.Range(5, 3),
            new NewFile.Checksum.Range(9, 1));
  }
}
