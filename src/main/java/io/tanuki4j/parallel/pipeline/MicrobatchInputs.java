package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.tensor.Tensor;

/**
 * Where the tokens of a micro-batch go before its forward.
 *
 * @param tokens {@code [s, b]}, I32
 * @param targets {@code [s, b]}, I32
 * @param lossMask {@code [s, b]}, F32
 */
public record MicrobatchInputs(Tensor tokens, Tensor targets, Tensor lossMask) {

  /** Gives micro-batches their tokens. */
  @FunctionalInterface
  public interface Source {
    /**
     * @param microbatch within the iteration, from 0; asked for once by each chunk
     */
    void load(int microbatch, MicrobatchInputs into);
  }
}
