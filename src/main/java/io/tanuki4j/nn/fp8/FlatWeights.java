package io.tanuki4j.nn.fp8;

import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Bucket;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSlice;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * FP8 weights that lie in flat buffers like the parameters' own ({@link ParameterBuffers}), so that
 * a rank can cast its shard of a bucket and gather the others' as bytes. Each element gets the bits
 * that a cast of the whole weight gives it.
 */
public final class FlatWeights {
  private final Fp8State state;
  private final ParameterBuffers parameters;
  private final Kernels kernels;
  private final Consumer<Tensor> largestOfShards;
  private final Map<FlatRange, Tensor> ofBucket = new LinkedHashMap<>();
  private final Map<String, Tensor> rows = new HashMap<>();
  private final Tensor own;

  FlatWeights(
      Fp8State state,
      ParameterBuffers parameters,
      Kernels kernels,
      Consumer<Tensor> largestOfShards,
      MemoryScope scope) {
    this.state = state;
    this.parameters = parameters;
    this.kernels = kernels;
    this.largestOfShards = largestOfShards;
    for (Bucket bucket : parameters.buckets()) {
      if (state.has(bucket.parameters().get(0))) {
        add(bucket, scope);
      }
    }
    this.own = scope.allocate(Shape.of(Math.max(1, rows.size())), DType.F32);
  }

  private void add(Bucket bucket, MemoryScope scope) {
    Tensor bytes = scope.allocate(Shape.of(bucket.range().size()), DType.F8_E4M3);
    ofBucket.put(bucket.range(), bytes);
    for (ParameterSlice weight : parameters.partsIn(bucket.range())) {
      Shape shape = weight.parameter().value().shape();
      rows.put(weight.parameter().name(), in(bucket, weight.range(), bytes).reshape(shape));
    }
  }

  private static Tensor in(Bucket bucket, FlatRange range, Tensor bytes) {
    long start = bucket.range().from();
    return bytes.rows(range.from() - start, range.to() - start);
  }

  Tensor rows(Parameter weight) {
    return Objects.requireNonNull(rows.get(weight.name()), weight.name());
  }

  long numBytes() {
    return ofBucket.values().stream().mapToLong(Tensor::numBytes).sum();
  }

  /** Returns whether a bucket's parameters are FP8 weights. */
  public boolean has(Bucket bucket) {
    return ofBucket.containsKey(bucket.range());
  }

  /**
   * Returns a part of a bucket in FP8.
   *
   * @param range of the parameters' flat buffers
   */
  public Tensor part(Bucket bucket, FlatRange range) {
    return in(bucket, range, Objects.requireNonNull(ofBucket.get(bucket.range())));
  }

  /**
   * Casts this rank's shards, which an update has changed, for the next iteration. The rest of each
   * bucket must be gathered before a layer uses it.
   */
  public void cast(Function<Bucket, FlatRange> shardOf) {
    List<Bucket> buckets = parameters.buckets().stream().filter(this::has).toList();
    if (state.isCurrent()) {
      findScales(buckets, shardOf);
    }
    for (Bucket bucket : buckets) {
      for (ParameterSlice part : parameters.partsIn(shardOf.apply(bucket))) {
        Scaling scaling = state.weightScaling(part.parameter(), null);
        Tensor bytes = matrix(part(bucket, part.range()));
        Target target = new Target(bytes, null, scaling.scale(), scaling.amax());
        kernels.fp8().quantize(target, values(part));
        state.tally(scaling, target);
      }
    }
    state.castWeights();
  }

  private void findScales(List<Bucket> buckets, Function<Bucket, FlatRange> shardOf) {
    Map<String, Scaling> scalings = new HashMap<>();
    for (Bucket bucket : buckets) {
      for (Parameter weight : bucket.parameters()) {
        Tensor cell = Fp8State.cell(own, scalings.size());
        scalings.put(weight.name(), state.weightScaling(weight, cell));
      }
    }
    kernels.elementwise().fill(own, 0);
    for (Bucket bucket : buckets) {
      for (ParameterSlice part : parameters.partsIn(shardOf.apply(bucket))) {
        Scaling scaling = Objects.requireNonNull(scalings.get(part.parameter().name()));
        kernels.fp8().amax(Objects.requireNonNull(scaling.own()), values(part));
      }
    }
    largestOfShards.accept(own);
    for (Scaling scaling : scalings.values()) {
      Tensor largest = Objects.requireNonNull(scaling.own());
      kernels.fp8().scales(scaling.scale(), scaling.inverse(), largest, scaling.limit());
    }
  }

  private Tensor values(ParameterSlice part) {
    return matrix(part.range().of(parameters.values()));
  }

  /** Returns a part as the matrix that a cast asks for; its size is a multiple of 256. */
  private static Tensor matrix(Tensor part) {
    return part.reshape(Shape.of(Fp8Kernels.MULTIPLE, part.numElements() / Fp8Kernels.MULTIPLE));
  }
}
