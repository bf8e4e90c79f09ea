package io.tanuki4j.parallel.data;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.nn.Bucket;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.fp8.FlatWeights;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Gathers the weights, of which every rank has updated its shard, to all ranks in place. The
 * buckets follow the order in which a forward needs them: the norms of all layers, which are few,
 * first. Without a sharded optimizer it does nothing.
 *
 * <p>Buckets of FP8 weights can be gathered in FP8. In the model's type a rank then has only its
 * own shards of them, until {@link #complete}.
 */
public final class WeightGather {
  private final ProcessGroup replicas;
  private final @Nullable FlatWeights narrow;
  private final List<Piece> incomplete = new ArrayList<>();
  private boolean isComplete = true;
  private final List<Piece> pieces = new ArrayList<>();
  private final Map<String, Integer> pieceOf = new HashMap<>();
  private final List<Work> works = new ArrayList<>();

  private record Piece(Tensor bucket, Tensor shard) {}

  /**
   * @param narrow weights that are gathered in FP8; null if none are
   */
  WeightGather(
      boolean sharded,
      ParameterBuffers parameters,
      ProcessGroup replicas,
      @Nullable FlatWeights narrow) {
    this.replicas = replicas;
    this.narrow = narrow;
    if (sharded) {
      List<Bucket> buckets = parameters.buckets();
      buckets.stream()
          .filter(bucket -> !bucket.decayed())
          .forEach(bucket -> add(bucket, parameters));
      buckets.stream().filter(Bucket::decayed).forEach(bucket -> add(bucket, parameters));
    }
  }

  private void add(Bucket bucket, ParameterBuffers parameters) {
    for (Parameter parameter : bucket.parameters()) {
      pieceOf.put(parameter.name(), pieces.size());
    }
    FlatRange shard = shardOf(bucket);
    Tensor values = parameters.values();
    Piece wide = new Piece(bucket.range().of(values), shard.of(values));
    if (narrow != null && narrow.has(bucket)) {
      incomplete.add(wide);
      pieces.add(new Piece(narrow.part(bucket, bucket.range()), narrow.part(bucket, shard)));
    } else {
      pieces.add(wide);
    }
  }

  private FlatRange shardOf(Bucket bucket) {
    return bucket.shard(replicas.rank(), replicas.size());
  }

  /** Starts to gather. Nothing may use the weights before {@link #await}. */
  void start() {
    await();
    works.clear();
    if (narrow != null) {
      narrow.cast(this::shardOf);
      isComplete = false;
    }
    pieces.forEach(piece -> works.add(replicas.allGather(piece.bucket, piece.shard)));
  }

  /** Gathers in the model's type what was gathered in FP8 only. */
  void complete() {
    await();
    if (!isComplete) {
      incomplete.forEach(piece -> replicas.allGather(piece.bucket, piece.shard).await());
      isComplete = true;
    }
  }

  /** Orders later work behind the arrival of these weights. */
  void await(List<Parameter> parameters) {
    for (Parameter parameter : parameters) {
      Integer piece = pieceOf.get(parameter.name());
      if (piece != null && piece < works.size()) {
        works.get(piece).await();
      }
    }
  }

  /** Orders later work behind the arrival of all weights. */
  void await() {
    works.forEach(Work::await);
  }
}
