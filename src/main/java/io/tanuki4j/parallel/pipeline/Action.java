package io.tanuki4j.parallel.pipeline;

import java.util.List;

/** What a stage does next. */
public sealed interface Action {
  /** Returns what is computed, in order. */
  List<ChunkPass> units();

  /** Forward or backward through one chunk. */
  record Compute(ChunkPass unit) implements Action {
    @Override
    public List<ChunkPass> units() {
      return List.of(unit);
    }
  }

  /**
   * Sends and receives that are posted together and then awaited together. Between two stages
   * messages arrive in the order they are listed and posted in.
   *
   * @param meanwhile what is computed between the two
   */
  record Exchange(List<Transfer> sends, List<Transfer> receives, List<ChunkPass> meanwhile)
      implements Action {
    public Exchange {
      sends = List.copyOf(sends);
      receives = List.copyOf(receives);
      meanwhile = List.copyOf(meanwhile);
    }

    @Override
    public List<ChunkPass> units() {
      return meanwhile;
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
