package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class FiniteValuesTest {
  private static final Path FOLDER = Path.of("model");

  /** Bits of a NaN, of infinities, and of the largest and smallest finite numbers. */
  static Stream<Arguments> types() {
    return Stream.of(
        Arguments.of(
            ElementType.F64,
            8,
            new long[] {0x7ff8000000000000L, 0x7ff0000000000000L, 0xfff0000000000000L},
            new long[] {0x7fefffffffffffffL, 0xffefffffffffffffL, 1, 0}),
        Arguments.of(
            ElementType.F32,
            4,
            new long[] {0x7fc00000, 0x7f800000, 0xff800000, 0x7f800001},
            new long[] {0x7f7fffff, 0xff7fffff, 0x80000000, 1}),
        Arguments.of(
            ElementType.BF16,
            2,
            new long[] {0x7fc0, 0x7f80, 0xff80},
            new long[] {0x7f7f, 0xff7f, 0x8000, 0x3f80}),
        Arguments.of(
            ElementType.F16,
            2,
            new long[] {0x7e00, 0x7c00, 0xfc00},
            new long[] {0x7bff, 0xfbff, 0x8000, 0x3c00}));
  }

  @ParameterizedTest
  @MethodSource("types")
  void finds_a_value_at_every_place(ElementType type, int size, long[] bad, long[] good) {
    for (long value : bad) {
      for (int place = 0; place < 7; place++) {
        ByteBuffer bytes = bytes(size, good, place, value);
        assertThatThrownBy(() -> FiniteValues.require(FOLDER, "w", type, bytes, 0))
            .isInstanceOf(UserException.class)
            .hasMessageStartingWith("model: w holds a NaN or an infinity (expected: finite");
      }
    }
  }

  @ParameterizedTest
  @MethodSource("types")
  void lets_every_finite_value_pass(ElementType type, int size, long[] bad, long[] good) {
    for (long value : good) {
      ByteBuffer bytes = bytes(size, good, 3, value);
      assertThatCode(() -> FiniteValues.require(FOLDER, "w", type, bytes, 0))
          .doesNotThrowAnyException();
    }
  }

  @Test
  void looks_only_at_what_was_read() {
    ByteBuffer bytes = bytes(4, new long[] {0}, 0, 0x7fc00000);
    assertThatCode(() -> FiniteValues.require(FOLDER, "w", ElementType.F32, bytes, 4))
        .doesNotThrowAnyException();
  }

  /** Seven elements, which leave a rest of eight bytes. */
  private static ByteBuffer bytes(int size, long[] others, int place, long value) {
    ByteBuffer bytes = ByteBuffer.allocate(7 * size).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 7; i++) {
      long bits = i == place ? value : others[i % others.length];
      for (int b = 0; b < size; b++) {
        bytes.put((byte) (bits >> (8 * b)));
      }
    }
    return bytes;
  }
}
