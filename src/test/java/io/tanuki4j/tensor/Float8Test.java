package io.tanuki4j.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class Float8Test {
  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2"})
  void every_number_is_itself_again(DType type) {
    for (int bits = 0; bits < 256; bits++) {
      float value = Float8.toFloat((byte) bits, type);
      if (Float.isFinite(value)) {
        assertThat(Float8.fromFloat(value, type)).as("%s", value).isEqualTo((byte) bits);
      }
    }
  }

  /** Between neighbours the middle goes to the even one, anything else to the nearer. */
  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2"})
  void rounds_to_nearest_ties_to_even(DType type) {
    for (int bits = 0; Float8.toFloat((byte) bits, type) < Float8.max(type); bits++) {
      float middle =
          (Float8.toFloat((byte) bits, type) + Float8.toFloat((byte) (bits + 1), type)) / 2;
      int even = bits % 2 == 0 ? bits : bits + 1;
      assertThat(bits(middle, type)).isEqualTo(even);
      assertThat(bits(Math.nextDown(middle), type)).isEqualTo(bits);
      assertThat(bits(Math.nextUp(middle), type)).isEqualTo(bits + 1);
      assertThat(bits(-middle, type)).isEqualTo(0x80 | even);
      assertThat(bits(-Math.nextDown(middle), type)).isEqualTo(0x80 | bits);
      assertThat(bits(-Math.nextUp(middle), type)).isEqualTo(0x80 | bits + 1);
    }
  }

  @ParameterizedTest
  @CsvSource({"F8_E4M3, 448, 0.001953125", "F8_E5M2, 57344, 0.0000152587890625"})
  void ends_where_the_format_ends(DType type, float largest, double smallest) {
    assertThat(Float8.max(type)).isEqualTo(largest);
    assertThat(Float8.toFloat((byte) 1, type)).isEqualTo((float) smallest);
    for (float large : new float[] {Math.nextUp(largest), 1e30f, Float.POSITIVE_INFINITY}) {
      assertThat(Float8.toFloat(Float8.fromFloat(large, type), type)).isEqualTo(largest);
      assertThat(Float8.toFloat(Float8.fromFloat(-large, type), type)).isEqualTo(-largest);
    }
    assertThat(Float8.fromFloat(Float.NaN, type)).isEqualTo((byte) 0x7F);
    assertThat(Float8.fromFloat(-0f, type)).isEqualTo((byte) 0x80);
    assertThat(Float8.fromFloat(Float.MIN_VALUE, type)).isEqualTo((byte) 0);
  }

  private static int bits(float value, DType type) {
    return Byte.toUnsignedInt(Float8.fromFloat(value, type));
  }
}
