package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.nn.Microbatch;

/** Gives micro-batches their tokens. */
@FunctionalInterface
public interface MicrobatchSource {
  /**
   * Fills a micro-batch's tensors before its forward.
   *
   * @param microbatch within the iteration, from 0; asked for once by each chunk
   */
  void load(int microbatch, Microbatch.Inputs into);

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
