package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.junit.jupiter.api.Test;

class FloatConversionTest {

  @Test
  void every_bfloat16_survives_the_way_through_f64() {
    ByteBuffer all = newBuffer(65536 * 2);
    for (int i = 0; i < 65536; i++) {
      all.putShort((short) i);
    }
    ByteBuffer wide = newBuffer(65536 * 8);
    FloatConversion.convert("x", all.flip(), ElementType.BF16, wide, ElementType.F64);
    ByteBuffer back = newBuffer(65536 * 2);
    FloatConversion.convert("x", wide.flip(), ElementType.F64, back, ElementType.BF16);
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
