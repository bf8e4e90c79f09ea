package io.tanuki4j.parallel.data;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.nn.Bucket;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSlice;
import io.tanuki4j.nn.ParameterSpec.Sharing;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.pipeline.TiedParameters;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The parameters this rank's optimizer updates: all, or its shard of every bucket (ZeRO-1,
 * Rajbhandari et al., 2020).
 *
 * @param owned what this rank updates, in the order of memory
 * @param counted the part of it that this rank adds to norms and counts: if several ranks have a
 *     copy of a parameter, only the first counts it
 * @param group all ranks: they count everything once, and get the same sum to the last bit, so that
 *     replicas stay equal
 */
public record OptimizerShard(
    ParameterBuffers parameters, List<Owned> owned, List<FlatRange> counted, ProcessGroup group) {

  public OptimizerShard {
    owned = List.copyOf(owned);
    counted = List.copyOf(counted);
  }

  /**
   * A range whose elements are updated by the same rule.
   *
   * @param decayed whether weights decay
   * @param apart whether they have a learning rate of their own
   * @param index see {@link Bucket#index}
   */
  public record Owned(FlatRange range, boolean decayed, boolean apart, long index) {
    private Owned part(long from, long to, boolean isApart) {
      return new Owned(new FlatRange(from, to), decayed, isApart, index + from - range.from());
    }

    private boolean continuesIn(Owned next) {
      return range.to() == next.range.from()
          && decayed == next.decayed
          && apart == next.apart
          && index + range.size() == next.index;
    }
  }

  static OptimizerShard of(
      boolean sharded, ParameterBuffers parameters, ParallelContext context, TiedParameters tied) {
    ProcessGroup replicas = context.dpCp();
    List<Owned> owned = new ArrayList<>();
    List<FlatRange> counted = new ArrayList<>();
    for (Bucket bucket : parameters.buckets()) {
      FlatRange range = sharded ? bucket.shard(replicas.rank(), replicas.size()) : bucket.range();
      long index = bucket.index() + range.from() - bucket.range().from();
      owned.add(new Owned(range, bucket.decayed(), /* apart= */ false, index));
      boolean copyOfReplica = !sharded && replicas.rank() > 0;
      boolean copyOfStage = tied.has(bucket) && tied.group().rank() > 0;
      boolean copyOfShard = bucket.sharing() != Sharing.SHARDED && context.tp().rank() > 0;
      if (!copyOfReplica && !copyOfStage && !copyOfShard) {
        counted.add(range);
      }
    }
    return new OptimizerShard(
        parameters, merged(owned), FlatRange.merged(counted), context.world());
  }

  /** Returns the same share, in which these parameters have a learning rate of their own. */
  public OptimizerShard withApart(Set<String> names) {
    List<Owned> parts = owned.stream().flatMap(one -> split(one, names).stream()).toList();
    return new OptimizerShard(parameters, parts, counted, group);
  }

  private List<Owned> split(Owned whole, Set<String> names) {
    List<Owned> parts = new ArrayList<>();
    long from = whole.range.from();
    long end = whole.range.to();
    for (ParameterSlice slice : parameters.partsIn(whole.range)) {
      if (names.contains(slice.parameter().name())) {
        long first = slice.range().from();
        long next = Math.min(end, ParameterBuffers.roundUp(slice.range().to()));
        if (from < first) {
          parts.add(whole.part(from, first, false));
        }
        parts.add(whole.part(first, next, true));
        from = next;
      }
    }
    if (from < end) {
      parts.add(whole.part(from, end, false));
    }
    return parts;
  }

  /** Returns the number of elements that this rank updates. */
  public long size() {
    return owned.stream().mapToLong(part -> part.range().size()).sum();
  }

  /** Returns the parts of the parameters that this rank counts. */
  public List<ParameterSlice> countedParts() {
    return counted.stream().flatMap(range -> parameters.partsIn(range).stream()).toList();
  }

  private static List<Owned> merged(List<Owned> parts) {
    List<Owned> merged = new ArrayList<>();
    for (Owned part : parts) {
      int last = merged.size() - 1;
      if (last >= 0 && merged.get(last).continuesIn(part)) {
        Owned before = merged.get(last);
        FlatRange joined = new FlatRange(before.range.from(), part.range.to());
        merged.set(last, new Owned(joined, before.decayed, before.apart, before.index));
      } else {
        merged.add(part);
      }
    }
    return merged;
  }
}
