package io.tanuki4j.parallel.data;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.Work;
import io.tanuki4j.nn.Bucket;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Gathers the weights, of which every rank has updated its shard, to all ranks in place. The
 * buckets follow the order in which a forward needs them: the norms of all layers, which are few,
 * first. Without a sharded optimizer it does nothing.
 */
public final class WeightGather {
  private final ProcessGroup replicas;
  private final List<Piece> pieces = new ArrayList<>();
  private final Map<String, Integer> pieceOf = new HashMap<>();
  private final List<Work> works = new ArrayList<>();

  private record Piece(Tensor bucket, Tensor shard) {}

  WeightGather(boolean sharded, ParameterBuffers parameters, ProcessGroup replicas) {
    this.replicas = replicas;
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
    FlatRange shard = bucket.shard(replicas.rank(), replicas.size());
    Tensor values = parameters.values();
    pieces.add(new Piece(bucket.range().of(values), shard.of(values)));
  }

  /** Starts; until {@link #await} nothing may use the weights. */
  void start() {
    await();
    works.clear();
    pieces.forEach(piece -> works.add(replicas.allGather(piece.bucket, piece.shard)));
  }

  /** Orders what follows behind the arrival of these weights. */
  void await(List<Parameter> parameters) {
    for (Parameter parameter : parameters) {
      Integer piece = pieceOf.get(parameter.name());
      if (piece != null && piece < works.size()) {
        works.get(piece).await();
      }
    }
  }

  /** Orders what follows behind the arrival of all weights. */
  void await() {
    works.forEach(Work::await);
    works.clear();
  }
}
