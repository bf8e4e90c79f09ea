package io.tanuki4j.megatron;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class HeadRowsTest {
  /** Two heads of six rows, each row's elements its number and a half more. */
  private static final Matrix HEADS =
      new SourceMatrix(
          ShardedTensor.whole(
              "q",
              ElementType.F32,
              Shape.of(12, 2),
              (first, into) -> {
                for (long i = first; into.hasRemaining(); i++) {
                  into.putFloat(i / 2f);
                }
              }));

  @Test
  void rows_that_rotate_together_come_half_of_them_apart() throws IOException {
    assertThat(rows(new HeadRows(HEADS, 6, 4, false)))
        .containsExactly(0, 2, 1, 3, 4, 5, 6, 8, 7, 9, 10, 11);
    assertThat(rows(new HeadRows(HEADS, 6, 6, false)))
        .containsExactly(0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11);
  }

  @Test
  void rows_that_rotate_together_become_neighbours() throws IOException {
    assertThat(rows(new HeadRows(HEADS, 6, 6, true)))
        .containsExactly(0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11);
    Matrix there = new HeadRows(HEADS, 6, 4, true);
    assertThat(rows(new HeadRows(there, 6, 4, false)))
        .containsExactly(IntStream.range(0, 12).toArray());
  }

  @Test
  void a_part_begins_within_a_row() throws IOException {
    Matrix halved = new HeadRows(HEADS, 6, 4, false);
    float[] all = read(halved, 0, 24);
    for (int first = 0; first < 24; first++) {
      float[] part = read(halved, first, 24 - first);
      for (int i = 0; i < part.length; i++) {
        assertThat(part[i]).isEqualTo(all[first + i]);
      }
    }
  }

  private static int[] rows(Matrix matrix) throws IOException {
    float[] all = read(matrix, 0, 24);
    assertThat(IntStream.range(0, 12)).allMatch(row -> all[2 * row + 1] == all[2 * row] + 0.5f);
    return IntStream.range(0, 12).map(row -> (int) all[2 * row]).toArray();
  }

  private static float[] read(Matrix matrix, int first, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    matrix.read(first, bytes);
    float[] values = new float[count];
    bytes.flip().asFloatBuffer().get(values);
    return values;
  }
}
