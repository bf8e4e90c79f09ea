package io.tanuki4j.parallel.pipeline;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntUnaryOperator;

/**
 * The order in which micro-batches pass the chunks of every stage: as many micro-batches as there
 * are stages through chunk 0, the same ones through chunk 1, and so on; then the next ones.
 */
final class VirtualOrder {
  private VirtualOrder() {}

  static List<ChunkPass> forwards(PipelineShape shape) {
    return units(shape, ChunkPass.Direction.FORWARD, i -> i);
  }

  /** Returns the same order from the last chunk to the first. */
  static List<ChunkPass> backwards(PipelineShape shape) {
    return units(shape, ChunkPass.Direction.BACKWARD, i -> shape.numChunks() - 1 - i);
  }

  private static List<ChunkPass> units(
      PipelineShape shape, ChunkPass.Direction direction, IntUnaryOperator chunk) {
    int numMicrobatches = shape.numMicrobatches();
    List<ChunkPass> units = new ArrayList<>(shape.numChunks() * numMicrobatches);
    for (int from = 0; from < numMicrobatches; from += shape.numStages()) {
      int to = Math.min(from + shape.numStages(), numMicrobatches);
      for (int i = 0; i < shape.numChunks(); i++) {
        for (int microbatch = from; microbatch < to; microbatch++) {
          units.add(new ChunkPass(direction, chunk.applyAsInt(i), microbatch));
        }
      }
    }
    return units;
  }
}
