package io.tanuki4j.parallel.pipeline;

/**
 * One computation of a stage: the forward or the backward of one micro-batch through one of the
 * stage's chunks, or half of a backward.
 *
 * @param chunk which of the stage's chunks, from 0
 * @param microbatch within the iteration, from 0
 */
public record ChunkPass(Direction direction, int chunk, int microbatch) {
  /** What is computed, with the letter of its short name. */
  public enum Direction {
    FORWARD("F"),
    /** Gradients of input and weights. */
    BACKWARD("B"),
    /** The first half of a backward, which the stage before waits for. */
    INPUT_GRADIENT("X"),
    /** The second half, which no other stage waits for. */
    WEIGHT_GRADIENT("W");

    private final String letter;

    Direction(String letter) {
      this.letter = letter;
    }
  }

  static ChunkPass forward(int chunk, int microbatch) {
    return new ChunkPass(Direction.FORWARD, chunk, microbatch);
  }

  static ChunkPass backward(int chunk, int microbatch) {
    return new ChunkPass(Direction.BACKWARD, chunk, microbatch);
  }

  static ChunkPass inputGradient(int chunk, int microbatch) {
    return new ChunkPass(Direction.INPUT_GRADIENT, chunk, microbatch);
  }

  static ChunkPass weightGradient(int chunk, int microbatch) {
    return new ChunkPass(Direction.WEIGHT_GRADIENT, chunk, microbatch);
  }

  public boolean isForward() {
    return direction == Direction.FORWARD;
  }

  /** Returns whether it needs or makes nothing of other stages. */
  boolean isLocal() {
    return direction == Direction.WEIGHT_GRADIENT;
  }

  /** Returns whether nothing of the micro-batch has to be kept for this chunk afterwards. */
  boolean endsMicrobatch() {
    return direction == Direction.BACKWARD || direction == Direction.WEIGHT_GRADIENT;
  }

  /** Returns the forward of the same micro-batch and chunk, which may be this one. */
  ChunkPass ofForward() {
    return isForward() ? this : forward(chunk, microbatch);
  }

  /** Returns a short name, {@code F3.1}: forward of micro-batch 3 through chunk 1. */
  @Override
  public String toString() {
    return direction.letter + microbatch + "." + chunk;
  }
}
