package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.error.UserException;
import io.tanuki4j.parallel.pipeline.Action.Transfer;
import java.util.Optional;

/**
 * What a schedule depends on. A micro-batch passes chunk 0 of every stage, then chunk 1 of every
 * stage, and so on: the chunks of a model lie around a ring of stages.
 *
 * @param numStages p, 1 without pipeline parallelism
 * @param numChunks v, the chunks of each stage
 * @param numMicrobatches m, of an iteration
 */
public record PipelineShape(int numStages, int numChunks, int numMicrobatches) {
  public PipelineShape {
    if (numStages < 1 || numChunks < 1 || numMicrobatches < 1) {
      throw new IllegalArgumentException(
          "a pipeline of %d stages, %d chunks and %d micro-batches (expected: 1 or more of each)"
              .formatted(numStages, numChunks, numMicrobatches));
    }
    if (numStages == 1 && numChunks > 1) {
      throw new UserException(
          "chunks per pipeline stage: %d (expected: 1 where --pipeline-model-parallel-size is 1)."
                  .formatted(numChunks)
              + " Leave out --num-layers-per-virtual-pipeline-stage and"
              + " --num-virtual-stages-per-pipeline-rank.");
    }
  }

  /** Returns whether the chunk begins the model. */
  public boolean isFirst(int stage, int chunk) {
    return stage == 0 && chunk == 0;
  }

  /** Returns whether the chunk ends the model. */
  public boolean isLast(int stage, int chunk) {
    return stage == numStages - 1 && chunk == numChunks - 1;
  }

  /** Returns the source of a unit's input; empty if it starts from tokens or from the loss. */
  Optional<Transfer> input(int stage, ChunkPass unit) {
    boolean starts =
        unit.isLocal()
            || (unit.isForward() ? isFirst(stage, unit.chunk()) : isLast(stage, unit.chunk()));
    return starts ? Optional.empty() : Optional.of(neighbour(stage, unit, !unit.isForward()));
  }

  /**
   * Returns the destination of a unit's output; empty if it is the loss, or the gradient of tokens.
   */
  Optional<Transfer> output(int stage, ChunkPass unit) {
    boolean ends =
        unit.isLocal()
            || (unit.isForward() ? isLast(stage, unit.chunk()) : isFirst(stage, unit.chunk()));
    return ends ? Optional.empty() : Optional.of(neighbour(stage, unit, unit.isForward()));
  }

  /** Returns the unit of another stage that needs what a unit makes. */
  ChunkPass consumer(int stage, ChunkPass unit) {
    int chunk = unit.chunk();
    if (unit.isForward()) {
      return ChunkPass.forward(stage == numStages - 1 ? chunk + 1 : chunk, unit.microbatch());
    }
    return new ChunkPass(unit.direction(), stage == 0 ? chunk - 1 : chunk, unit.microbatch());
  }

  private Transfer neighbour(int stage, ChunkPass unit, boolean after) {
    return new Transfer(unit, Math.floorMod(stage + (after ? 1 : -1), numStages));
  }
}
