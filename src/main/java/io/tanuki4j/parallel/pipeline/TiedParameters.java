package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ReduceOp;
import io.tanuki4j.nn.Parameter;
import java.util.List;

/**
 * Parameters of which several stages have a copy: embeddings that the head uses too. Copies start
 * equal, since initial weights follow from names, and stay equal, since they get the same gradient.
 *
 * @param parameters this rank's copies
 * @param group the ranks that have them
 */
public record TiedParameters(List<Parameter> parameters, ProcessGroup group) {
  public TiedParameters {
    parameters = List.copyOf(parameters);
  }

  /** Gives each copy the gradient of all; after the last backward. */
  public void sumGradients() {
    for (Parameter parameter : parameters) {
      group.allReduce(parameter.grad(), ReduceOp.SUM).await();
    }
  }
}
