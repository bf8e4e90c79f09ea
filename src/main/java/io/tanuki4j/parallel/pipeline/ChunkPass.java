package io.tanuki4j.parallel.pipeline;

/**
 * One computation of a stage: the forward or the backward of one micro-batch through one of the
 * stage's chunks.
 *
 * @param chunk which of the stage's chunks, from 0
 * @param microbatch within the iteration, from 0
 */
public record ChunkPass(Direction direction, int chunk, int microbatch) {
  public enum Direction {
    FORWARD,
    BACKWARD
  }

  static ChunkPass forward(int chunk, int microbatch) {
    return new ChunkPass(Direction.FORWARD, chunk, microbatch);
  }

  static ChunkPass backward(int chunk, int microbatch) {
    return new ChunkPass(Direction.BACKWARD, chunk, microbatch);
  }

  public boolean isForward() {
    return direction == Direction.FORWARD;
  }

  /** Returns the forward of the same micro-batch and chunk, which may be this one. */
  ChunkPass ofForward() {
    return isForward() ? this : forward(chunk, microbatch);
  }

  /** Returns a short name, {@code F3.1}: forward of micro-batch 3 through chunk 1. */
  @Override
  public String toString() {
    return (isForward() ? "F" : "B") + microbatch + "." + chunk;
  }
}
