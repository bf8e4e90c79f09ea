package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.nn.Bucket;
import io.tanuki4j.nn.Parameter;
import java.util.List;

/**
 * Parameters of which several stages have a copy: embeddings that the head uses too. Copies start
 * equal, since initial weights follow from names, and stay equal, since each gets the gradient of
 * all.
 *
 * @param parameters this rank's copies
 * @param group the ranks that have them
 */
public record TiedParameters(List<Parameter> parameters, ProcessGroup group) {
  public TiedParameters {
    parameters = List.copyOf(parameters);
  }

  /**
   * Returns whether a bucket is such a copy.
   *
   * @throws IllegalStateException if it has other parameters too, so that the other stages have not
   *     the same bucket
   */
  public boolean has(Bucket bucket) {
    boolean tied = bucket.parameters().stream().anyMatch(this::has);
    if (tied && group.size() > 1 && bucket.parameters().size() > 1) {
      throw new IllegalStateException(
          "tied %s is in a bucket of %d parameters (expected: alone)"
              .formatted(parameters.get(0).name(), bucket.parameters().size()));
    }
    return tied;
  }

  private boolean has(Parameter parameter) {
    return parameters.stream().anyMatch(copy -> copy.name().equals(parameter.name()));
  }
}
