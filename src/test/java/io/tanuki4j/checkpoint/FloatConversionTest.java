package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.safetensors.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class FloatConversionTest {

  @ParameterizedTest
  @CsvSource({
    "1.0,          0x3F80",
    "-2.0,         0xC000",
    "3.3895314E38, 0x7F7F",
    "Infinity,     0x7F80",
    "-Infinity,    0xFF80",
    "NaN,          0x7FC0",
    "1.00390625,   0x3F80", // 1 + 2^-8: a tie, down to even
    "1.01171875,   0x3F82", // 1 + 3 * 2^-8: a tie, up to even
    "1.00390637,   0x3F81", // just above the first tie
    "3.4028235E38, 0x7F80", // rounds up to infinity
  })
  void bfloat16_rounds_to_nearest_even(float value, String bits) {
    assertThat(FloatConversion.floatToBfloat16(value) & 0xFFFF).isEqualTo(Integer.decode(bits));
  }

  @Test
  void a_nan_with_low_bits_only_stays_a_nan() {
    short rounded = FloatConversion.floatToBfloat16(Float.intBitsToFloat(0x7F800001));
    assertThat(Float.intBitsToFloat(rounded << 16)).isNaN();
  }

  @ParameterizedTest
  @CsvSource({
    "0x0000, 0.0",
    "0x8000, -0.0",
    "0x0001, 5.9604645E-8",
    "0x83FF, -6.097555E-5",
    "0x0400, 6.103515625E-5",
    "0x3C00, 1.0",
    "0xC100, -2.5",
    "0x7BFF, 65504.0",
    "0x7C00, Infinity",
    "0xFC00, -Infinity",
    "0x7E00, NaN",
  })
  void half_precision_is_read_exactly(String bits, float value) {
    assertThat(FloatConversion.halfToFloat((short) (int) Integer.decode(bits)))
        .isEqualTo(Float.valueOf(value));
  }

  @Test
  void every_bfloat16_survives_the_way_through_f64() {
    ByteBuffer all = newBuffer(65536 * 2);
    for (int i = 0; i < 65536; i++) {
      all.putShort((short) i);
    }
    ByteBuffer wide = newBuffer(65536 * 8);
    FloatConversion.convert(all.flip(), ElementType.BF16, wide, ElementType.F64);
    ByteBuffer back = newBuffer(65536 * 2);
    FloatConversion.convert(wide.flip(), ElementType.F64, back, ElementType.BF16);
    for (int i = 0; i < 65536; i++) {
      float before = Float.intBitsToFloat(i << 16);
      float after = Float.intBitsToFloat(back.getShort(i * 2) << 16);
      assertThat(after).isEqualTo(Float.valueOf(before));
    }
    assertThat(all.hasRemaining()).isFalse();
  }

  private static ByteBuffer newBuffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }
}
