package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The layers that one pipeline stage owns.
 *
 * @param <S> what forward saves for backward
 */
public interface ModelChunk<S> {
  /**
   * Runs the chunk. The last stage adds its losses into the micro-batch's sums.
   *
   * @param hidden {@code [s, b, h]} from the previous stage; null on the first
   */
  ChunkForward<S> forward(@Nullable Tensor hidden, Microbatch microbatch);

  /**
   * Adds into the gradients of the chunk's parameters.
   *
   * @param dHidden gradient of the hidden states that forward returned; null on the last stage
   * @return the gradient of forward's input, in the micro-batch's memory; null on the first stage
   */
  @Nullable Tensor backward(S saved, @Nullable Tensor dHidden, Microbatch microbatch);

  List<Parameter> parameters();

  /**
   * @param hidden what the next stage gets; null on the last
   */
  record ChunkForward<S>(@Nullable Tensor hidden, S saved) {}
}
