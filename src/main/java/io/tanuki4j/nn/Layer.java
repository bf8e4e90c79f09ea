package io.tanuki4j.nn;

import io.tanuki4j.tensor.Tensor;
import java.util.List;

/**
 * A function with its derivative. The caller gives the outputs. A layer allocates what it saves
 * from the micro-batch's scope, and temporaries from a child of it.
 *
 * @param <S> what forward saves for backward: a record one can read and size
 */
public interface Layer<S> {
  /** Overwrites out. */
  S forward(Tensor out, Tensor x, Microbatch microbatch);

  /**
   * Overwrites dx, and adds to the gradients of the parameters, or begins them: {@link
   * Microbatch#weightGrads}.
   *
   * @param dOut the gradient of out; a layer that allows {@code dx} to be it, or to be its input,
   *     says so
   */
  void backward(Tensor dx, S saved, Tensor dOut, Microbatch microbatch);

  List<Parameter> parameters();
}
