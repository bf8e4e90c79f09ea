package io.tanuki4j.parallel.data;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.nn.Bucket;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec.Sharing;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.pipeline.TiedParameters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Makes the gradients of a rank those of the global batch, in place, bucket by bucket: a sum, since
 * the loss is a sum that was divided by the tokens of all. With a sharded optimizer a rank has only
 * its shard of each bucket afterwards; the rest of the bucket is undefined.
 */
public final class GradientSync {
  private final List<BucketReduction> reductions = new ArrayList<>();
  private final Map<String, BucketReduction> ofParameter = new HashMap<>();

  GradientSync(
      boolean sharded, ParameterBuffers parameters, ParallelContext context, TiedParameters tied) {
    ProcessGroup replicas = context.dpCp();
    for (Bucket bucket : parameters.buckets()) {
      FlatRange owned = sharded ? bucket.shard(replicas.rank(), replicas.size()) : bucket.range();
      BucketReduction reduction =
          new BucketReduction(
              bucket, owned, parameters, replicas, ranksWithParts(bucket, context, tied));
      reductions.add(0, reduction);
      reduction.names().forEach(name -> ofParameter.put(name, reduction));
    }
  }

  /**
   * Returns the ranks whose gradients of a bucket are parts of one: both ends of the pipeline for
   * tied embeddings, else tensor-parallel ranks where the parameters say so.
   */
  private static @Nullable ProcessGroup ranksWithParts(
      Bucket bucket, ParallelContext context, TiedParameters tied) {
    if (tied.has(bucket)) {
      return tied.group();
    }
    return bucket.sharing() == Sharing.COPIED_PARTIAL_GRADIENT ? context.tp() : null;
  }

  /**
   * Marks these parameters' gradients as final for this iteration. A bucket whose gradients are all
   * final is reduced from now on. A parameter may be named again.
   */
  void ready(List<Parameter> parameters) {
    for (Parameter parameter : parameters) {
      String name = parameter.name();
      Objects.requireNonNull(ofParameter.get(name), name).ready(name);
    }
  }

  /** Reduces what is left; operations issued afterwards see the gradients of the global batch. */
  public void finish() {
    reductions.forEach(BucketReduction::start);
    reductions.forEach(BucketReduction::await);
    List<Work> additions = reductions.stream().map(BucketReduction::addParts).toList();
    additions.forEach(Work::await);
  }
}
