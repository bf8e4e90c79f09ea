package io.tanuki4j.tensor;

import static io.tanuki4j.tensor.DType.BF16;
import static io.tanuki4j.tensor.DType.F16;
import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class Float16Test {
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
  void bf16_rounds_to_nearest_even(float value, String bits) {
    assertThat(Float16.fromFloat(value, BF16) & 0xFFFF).isEqualTo(Integer.decode(bits));
  }

  /** As torch.tensor(value).half().view(torch.int16) has them. */
  @ParameterizedTest
  @CsvSource({
    "1.0,           0x3C00",
    "-2.5,          0xC100",
    "65504,         0x7BFF",
    "65519.996,     0x7BFF", // just below the tie with 65536
    "65520,         0x7C00",
    "-Infinity,     0xFC00",
    "NaN,           0x7E00",
    "1.00048828125, 0x3C00", // 1 + 2^-11: a tie, down to even
    "1.00146484375, 0x3C02", // 1 + 3 * 2^-11: a tie, up to even
    "1.0004884,     0x3C01", // just above the first tie
    "6.1035156E-5,  0x0400", // 2^-14, the smallest normal number
    "6.1005354E-5,  0x0400", // halfway to the largest subnormal one: up to even
    "5.9604645E-8,  0x0001", // 2^-24
    "2.9802322E-8,  0x0000", // 2^-25: a tie with 0
    "2.9802326E-8,  0x0001",
    "1e-30,         0x0000",
    "-0.0,          0x8000",
  })
  void fp16_rounds_to_nearest_even(float value, String bits) {
    assertThat(Float16.fromFloat(value, F16) & 0xFFFF).isEqualTo(Integer.decode(bits));
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
  void fp16_is_read_exactly(String bits, float value) {
    assertThat(Float16.toFloat((short) (int) Integer.decode(bits), F16))
        .isEqualTo(Float.valueOf(value));
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void every_number_survives_the_way_through_a_double(DType dtype) {
    for (int i = 0; i < 65536; i++) {
      float value = Float16.toFloat((short) i, dtype);
      if (!Float.isNaN(value)) {
        assertThat(Float16.fromFloat(value, dtype)).isEqualTo((short) i);
        assertThat(Float16.fromDouble(value, dtype)).isEqualTo((short) i);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"BF16", "F16"})
  void a_nan_with_low_bits_only_stays_a_nan(DType dtype) {
    short rounded = Float16.fromFloat(Float.intBitsToFloat(0x7F800001), dtype);
    assertThat(Float16.toFloat(rounded, dtype)).isNaN();
  }

  @Test
  void doubles_are_rounded_once() {
    // Each lies next to a tie, on which it would fall as a float.
    assertThat(Float16.toFloat(Float16.fromDouble(1 + 0x1p-11 + 0x1p-40, F16), F16))
        .isEqualTo(1 + 0x1p-10f);
    assertThat(Float16.toFloat(Float16.fromDouble(1 + 0x3p-11 - 0x1p-40, F16), F16))
        .isEqualTo(1 + 0x1p-10f);
    assertThat(Float16.toFloat(Float16.fromDouble(1 + 0x1p-8 + 0x1p-40, BF16), BF16))
        .isEqualTo(1 + 0x1p-7f);
    assertThat(Float16.fromDouble(1e300, F16)).isEqualTo((short) 0x7C00);
    assertThat(Float16.fromDouble(-1e-300, F16)).isEqualTo((short) 0x8000);
  }
}
