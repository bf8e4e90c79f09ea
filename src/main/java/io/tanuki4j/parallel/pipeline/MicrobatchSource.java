package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.nn.Samples;
import io.tanuki4j.tensor.Tensor;

/**
 * Where the tokens of a micro-batch go before its forward.
 *
 * @param tokens {@code [s, b]}, I32
 * @param targets {@code [s, b]}, I32
 * @param lossMask {@code [s, b]}, F32
 * @param samples what else is needed of them
 */
public record MicrobatchInputs(Tensor tokens, Tensor targets, Tensor lossMask, Samples samples) {

  /** Gives micro-batches their tokens. */
  @FunctionalInterface
  public interface Source {
    /**
     * @param microbatch within the iteration, from 0; asked for once by each chunk
     */
    void load(int microbatch, MicrobatchInputs into);

    /**
     * Returns how many documents its samples have at most. Micro-batches of the same number repeat
     * the same recorded work.
     *
     * @param microbatch within the iteration, from 0
     */
    default int maxDocuments(int microbatch) {
      return 1;
    }
  }
}
