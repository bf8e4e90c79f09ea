package io.tanuki4j.train;

import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.parallel.context.SequenceSharding;
import io.tanuki4j.parallel.context.SequenceSharding.Piece;
import io.tanuki4j.tensor.Shape;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/**
 * The tokens of a micro-batch that this rank works on. The ranks of a context-parallel group read
 * the same samples, so each knows without asking how many tokens of the whole count for the loss.
 *
 * @param seqLength of the samples
 * @param sharding the rank's part of them
 */
public record MicrobatchTokens(int seqLength, int microBatchSize, SequenceSharding sharding) {

  /** Returns the shape {@code [s, b]} on this rank. */
  Shape localShape() {
    return Shape.of(sharding.localLength(seqLength), microBatchSize);
  }

  /** Writes the rank's part of ids {@code [s, b]} of a micro-batch. */
  void put(IntBuffer into, TokenBatch batch, int[] ids) {
    requireShape(batch);
    for (Piece piece : sharding.pieces(seqLength)) {
      into.put(ids, piece.from() * microBatchSize, piece.length() * microBatchSize);
    }
  }

  /** Writes the rank's part of weights {@code [s, b]} of a micro-batch. */
  void put(FloatBuffer into, TokenBatch batch, float[] weights) {
    requireShape(batch);
    for (Piece piece : sharding.pieces(seqLength)) {
      into.put(weights, piece.from() * microBatchSize, piece.length() * microBatchSize);
    }
  }

  private void requireShape(TokenBatch batch) {
    if (batch.seqLength() != seqLength || batch.batchSize() != microBatchSize) {
      throw new IllegalStateException(
          "a micro-batch of %d sequences of %d tokens (expected: %d of %d)"
              .formatted(batch.batchSize(), batch.seqLength(), microBatchSize, seqLength));
    }
  }
}
