package io.tanuki4j.nn;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.nn.ParameterSpec.Sharing;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class ParameterBuffersTest {
  private static final List<ParameterSpec> SPECS =
      List.of(
          matrix("a", 10),
          norm("n", 3),
          matrix("b", 100),
          matrix("c", 64),
          norm("m", 70),
          matrix("d", 1));

  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void without_buckets_decayed_parameters_come_first_each_aligned() {
    ParameterBuffers buffers = allocate(BucketLayout.WHOLE);
    assertThat(buffers.all())
        .extracting(Parameter::name)
        .containsExactly("a", "b", "c", "d", "n", "m");
    assertThat(buffers.buckets())
        .extracting(Bucket::range)
        .containsExactly(new FlatRange(0, 64 + 128 + 64 + 64), new FlatRange(320, 320 + 64 + 128));
    assertThat(buffers.values().numElements()).isEqualTo(512);
    assertThat(buffers.grads().numElements()).isEqualTo(512);
  }

  @Test
  void buckets_are_filled_from_the_last_parameter_on() {
    assertThat(names(allocate(new BucketLayout(65, 1, Set.of(), Set.of()))))
        .containsExactly(List.of("a"), List.of("b"), List.of("c", "d"), List.of("n"), List.of("m"));
    assertThat(names(allocate(new BucketLayout(101, 1, Set.of(), Set.of()))))
        .containsExactly(List.of("a"), List.of("b", "c", "d"), List.of("n", "m"));
  }

  @Test
  void a_parameter_may_have_a_bucket_of_its_own() {
    ParameterBuffers first = allocate(new BucketLayout(Long.MAX_VALUE, 1, Set.of("a"), Set.of()));
    assertThat(names(first))
        .containsExactly(List.of("a"), List.of("b", "c", "d"), List.of("n", "m"));
    ParameterBuffers middle = allocate(new BucketLayout(Long.MAX_VALUE, 1, Set.of("b"), Set.of()));
    assertThat(names(middle))
        .containsExactly(List.of("a"), List.of("b"), List.of("c", "d"), List.of("n", "m"));
  }

  @Test
  void shards_of_a_bucket_are_equal_and_aligned() {
    ParameterBuffers buffers = allocate(new BucketLayout(65, 3, Set.of(), Set.of()));
    long end = 0;
    for (Bucket bucket : buffers.buckets()) {
      for (int rank = 0; rank < 3; rank++) {
        FlatRange shard = bucket.shard(rank, 3);
        assertThat(shard.from()).isEqualTo(end);
        assertThat(shard.size()).isPositive().isEqualTo(bucket.range().size() / 3);
        assertThat(shard.from() % ParameterBuffers.ALIGNMENT).isZero();
        end = shard.to();
      }
      assertThat(end).isEqualTo(bucket.range().to());
    }
    assertThat(end).isEqualTo(buffers.values().numElements());
    assertThatThrownBy(() -> buffers.buckets().get(0).shard(0, 1000))
        .isInstanceOf(IllegalStateException.class);
  }

  /** Stochastic rounding takes its bits from the index, so it must not depend on the cut. */
  @Test
  void the_index_of_an_element_does_not_depend_on_the_cut() {
    for (int numShards = 1; numShards < 5; numShards++) {
      for (int elements : new int[] {1, 64, 65, 1000}) {
        ParameterBuffers buffers =
            allocate(new BucketLayout(elements, numShards, Set.of("b"), Set.of()));
        assertThat(buffers.all().stream().map(one -> index(buffers, one)))
            .containsExactly(0L, 64L, 192L, 256L, 0L, 64L);
      }
    }
  }

  @Test
  void a_range_knows_what_is_in_it() {
    ParameterBuffers buffers = allocate(BucketLayout.WHOLE);
    assertThat(buffers.partsIn(new FlatRange(5, 80)))
        .containsExactly(
            new ParameterSlice(buffers.get("a"), 5, new FlatRange(5, 10)),
            new ParameterSlice(buffers.get("b"), 0, new FlatRange(64, 80)));
    assertThat(buffers.partsIn(new FlatRange(10, 64))).isEmpty();
  }

  @Test
  void ranges_that_meet_become_one() {
    FlatRange first = new FlatRange(0, 3);
    FlatRange second = new FlatRange(3, 5);
    FlatRange third = new FlatRange(6, 7);
    assertThat(FlatRange.merged(List.of(first, second, third)))
        .containsExactly(new FlatRange(0, 5), third);
  }

  @Test
  void a_bucket_has_parameters_that_are_shared_alike() {
    ParameterSpec shard = shared("s", Sharing.SHARDED);
    ParameterSpec copy = shared("c", Sharing.COPIED);
    ParameterSpec partial = shared("p", Sharing.COPIED_PARTIAL_GRADIENT);
    ParameterBuffers mixed =
        allocate(List.of(partial, shard, copy, shared("t", Sharing.SHARDED)), BucketLayout.WHOLE);
    assertThat(mixed.buckets().stream().map(Bucket::sharing))
        .containsExactly(Sharing.SHARDED, Sharing.COPIED, Sharing.COPIED_PARTIAL_GRADIENT);
    assertThat(mixed.buckets().get(0).parameters().stream().map(Parameter::name))
        .containsExactly("s", "t");
  }

  private static ParameterSpec shared(String name, Sharing sharing) {
    return ParameterSpec.whole(name, Shape.of(2, 1), 1, true, sharing);
  }

  private static long index(ParameterBuffers buffers, Parameter parameter) {
    for (Bucket bucket : buffers.buckets()) {
      for (ParameterSlice part : buffers.partsIn(bucket.range())) {
        if (part.parameter().equals(parameter)) {
          return bucket.index() + part.range().from() - bucket.range().from();
        }
      }
    }
    throw new AssertionError(parameter.name());
  }

  private static List<List<String>> names(ParameterBuffers buffers) {
    return buffers.buckets().stream()
        .map(bucket -> bucket.parameters().stream().map(Parameter::name).toList())
        .toList();
  }

  private ParameterBuffers allocate(BucketLayout plan) {
    return allocate(SPECS, plan);
  }

  private ParameterBuffers allocate(List<ParameterSpec> specs, BucketLayout plan) {
    return ParameterBuffers.allocate(specs, plan, device.scope(), DType.F32, DType.F32);
  }

  private static ParameterSpec matrix(String name, long rows) {
    return ParameterSpec.whole(name, Shape.of(rows, 1), 1, true);
  }

  private static ParameterSpec norm(String name, long size) {
    return ParameterSpec.whole(name, Shape.of(size), ParameterSpec.ONES, false);
  }
}
