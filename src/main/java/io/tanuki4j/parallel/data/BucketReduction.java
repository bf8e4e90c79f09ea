package io.tanuki4j.parallel.data;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.nn.Bucket;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.tensor.Tensor;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The sum of one bucket's gradients over the replicas, in place. */
final class BucketReduction {
  private final ProcessGroup replicas;
  private final @Nullable ProcessGroup partialSumRanks;
  private final Tensor grads;
  private final Tensor result;
  private final Set<String> names = new HashSet<>();
  private final Set<String> missing;
  private @Nullable Work work;

  /**
   * @param owned what this rank needs of the sum: its shard, or all of the bucket
   * @param partialSumRanks ranks that have copies of these parameters, but other parts of their
   *     gradient; null if there are none
   */
  BucketReduction(
      Bucket bucket,
      FlatRange owned,
      ParameterBuffers parameters,
      ProcessGroup replicas,
      @Nullable ProcessGroup partialSumRanks) {
    this.replicas = replicas;
    this.partialSumRanks = partialSumRanks;
    this.grads = bucket.range().of(parameters.grads());
    this.result = owned.of(parameters.grads());
    bucket.parameters().stream().map(Parameter::name).forEach(names::add);
    this.missing = new HashSet<>(names);
  }

  Set<String> names() {
    return names;
  }

  /** Starts the reduction once the gradients of all parameters are final. */
  void ready(String parameter) {
    missing.remove(parameter);
    if (missing.isEmpty()) {
      start();
    }
  }

  /** Starts the reduction unless it has started already. */
  void start() {
    if (work == null) {
      work =
          result.numElements() < grads.numElements()
              ? replicas.reduceScatter(result, grads, ReduceOp.SUM)
              : replicas.allReduce(grads, ReduceOp.SUM);
    }
  }

  /** Orders later work behind the sum, and prepares for the next iteration. */
  void await() {
    if (work != null) {
      work.await();
      work = null;
    }
    missing.addAll(names);
  }

  /** Adds the parts of the gradient that copies on other ranks have. */
  Work addParts() {
    return partialSumRanks == null ? Work.DONE : partialSumRanks.allReduce(result, ReduceOp.SUM);
  }
}
