package io.tanuki4j.parallel.pipeline;

import java.util.List;

/** What a stage does next. */
public sealed interface Action {

  /** Forward or backward through one chunk. */
  record Compute(ChunkPass unit) implements Action {}

  /**
   * Sends and receives that are posted together and then awaited together. Between two stages
   * messages arrive in the order they are listed and posted in.
   */
  record Exchange(List<Transfer> sends, List<Transfer> receives) implements Action {
    public Exchange {
      sends = List.copyOf(sends);
      receives = List.copyOf(receives);
    }
  }

  /**
   * Hidden states, or their gradient, {@code [s, b, h]}.
   *
   * @param unit of this stage: the one that made what is sent, or needs what is received
   * @param peer the other stage
   */
  record Transfer(ChunkPass unit, int peer) {}
}
