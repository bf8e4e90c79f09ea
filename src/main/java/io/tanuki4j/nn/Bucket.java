package io.tanuki4j.nn;

import java.util.List;

/**
 * A contiguous part of flat buffers that is exchanged as one message.
 *
 * @param range padding included
 * @param decayed whether the optimizer decays its parameters, all of them or none
 * @param index of its first element among all decayed (or all other) elements, counted without
 *     bucket padding: the same for every way to cut the same parameters
 * @param parameters in the order of their memory
 */
public record Bucket(FlatRange range, boolean decayed, long index, List<Parameter> parameters) {
  public Bucket {
    parameters = List.copyOf(parameters);
  }

  /**
   * Returns one of its equal parts.
   *
   * @throws IllegalStateException if the bucket was not padded for this number of parts
   */
  public FlatRange shard(int rank, int numShards) {
    if (range.size() % numShards != 0) {
      throw new IllegalStateException(
          "a bucket of %d elements for %d shards".formatted(range.size(), numShards));
    }
    long size = range.size() / numShards;
    return new FlatRange(range.from() + rank * size, range.from() + (rank + 1) * size);
  }

  /**
   * Returns what tensor-parallel ranks have of its parameters, which is the same for all of them.
   */
  public ParameterSpec.Sharing sharing() {
    return parameters.get(0).spec().sharing();
  }
}
