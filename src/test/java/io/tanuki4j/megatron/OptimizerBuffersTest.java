package io.tanuki4j.megatron;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import io.tanuki4j.megatron.OptimizerBuffers.BucketRule;
import io.tanuki4j.megatron.RankParameters.Parameter;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The places are those of Megatron's own code for its buffers: from the last parameter on. */
class OptimizerBuffersTest {
  private static final List<Parameter> PARAMETERS =
      List.of(parameter("first", 6, 5), parameter("second", 7), parameter("third", 10, 10));
  private static final BucketRule ONE_BUCKET = new BucketRule(0, "");

  private final OptimizerBuffers buffers = new OptimizerBuffers("m");

  private static Parameter parameter(String name, long... sizes) {
    return new Parameter(name, Arrays.stream(sizes).boxed().toList(), ElementType.F32);
  }

  /** Element i of it is {@code first + i}. */
  private static Matrix counting(long first, long count) {
    return new SourceMatrix(
        ShardedTensor.whole(
            "buffer",
            ElementType.F32,
            Shape.of(count),
            (from, into) -> {
              for (long i = from; into.hasRemaining(); i++) {
                into.putFloat((float) (first + i));
              }
            }));
  }

  private float firstOf(String name) throws IOException {
    Map<String, List<Matrix>> moments = Objects.requireNonNull(buffers.states().get("exp_avg"));
    Matrix matrix = Objects.requireNonNull(moments.get(name)).get(0);
    ByteBuffer value = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    matrix.read(0, value);
    return value.getFloat(0);
  }

  @Test
  void parameters_begin_at_multiples_of_64() throws IOException {
    buffers.addJoined(PARAMETERS, Map.of("exp_avg", counting(0, 192 + 30)), ONE_BUCKET);
    assertThat(firstOf("third")).isEqualTo(0);
    assertThat(firstOf("second")).isEqualTo(128);
    assertThat(firstOf("first")).isEqualTo(192);
  }

  @Test
  void older_buffers_have_no_gaps() throws IOException {
    buffers.addJoined(PARAMETERS, Map.of("exp_avg", counting(0, 137)), ONE_BUCKET);
    assertThat(firstOf("second")).isEqualTo(100);
    assertThat(firstOf("first")).isEqualTo(107);
  }

  @Test
  void a_bucket_is_closed_when_it_reaches_its_limit() throws IOException {
    buffers.addJoined(
        PARAMETERS, Map.of("exp_avg", counting(0, 100 + 64 + 30)), new BucketRule(90, ""));
    assertThat(firstOf("second")).isEqualTo(100);
    assertThat(firstOf("first")).isEqualTo(164);
  }

  @Test
  void a_tied_embedding_has_a_bucket_of_its_own() throws IOException {
    buffers.addJoined(
        PARAMETERS, Map.of("exp_avg", counting(0, 192 + 30)), new BucketRule(0, "first"));
    assertThat(firstOf("second")).isEqualTo(128);
    assertThat(firstOf("first")).isEqualTo(192);
  }

  @Test
  void buckets_may_be_stored_one_by_one() throws IOException {
    buffers.add(PARAMETERS, Map.of("exp_avg", List.of(counting(0, 100), counting(1000, 37))));
    assertThat(firstOf("third")).isEqualTo(0);
    assertThat(firstOf("second")).isEqualTo(1000);
    assertThat(firstOf("first")).isEqualTo(1007);
  }

  @Test
  void other_sizes_are_refused() {
    assertThatThrownBy(
            () -> buffers.addJoined(PARAMETERS, Map.of("exp_avg", counting(0, 138)), ONE_BUCKET))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "m: its optimizer state has buckets of [138] elements, which are not those of its 3"
                + " parameters (of 137 elements) in Megatron's order. Load it in Megatron-LM and"
                + " save it with --ckpt-format torch_dist --dist-ckpt-optim-fully-reshardable, or"
                + " add --no-load-optim to take the weights only.");
  }

  @Test
  void states_of_different_buckets_are_refused() {
    assertThatThrownBy(
            () ->
                buffers.add(
                    PARAMETERS,
                    Map.of(
                        "exp_avg", List.of(counting(0, 137)), "param", List.of(counting(0, 136)))))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("m: the states of its optimizer are in buckets of [13");
  }
}
