package io.tanuki4j.parallel.context;

import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Samples;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * What attention leaves out of a shared sequence besides later keys.
 *
 * @param samples of the micro-batch, with this rank's part of the sequence
 * @param positions {@code [ranks, s]}, I32: where each rank's tokens are in the sequence; null if
 *     nothing is left out
 */
record SequenceMask(Samples samples, @Nullable Tensor positions) {

  /** Computes the positions of all ranks' tokens, for as long as the scope is open. */
  static Tensor positions(Device device, int numRanks, int seqLength, MemoryScope scope) {
    int local = new SequenceSharding(0, numRanks).localLength(seqLength);
    Tensor positions = scope.allocate(Shape.of(numRanks, local), DType.I32);
    ByteBuffer host =
        ByteBuffer.allocateDirect(numRanks * local * Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (int rank = 0; rank < numRanks; rank++) {
      for (int position : new SequenceSharding(rank, numRanks).positions(seqLength)) {
        host.putInt(position);
      }
    }
    device.upload(positions, host.flip());
    return positions;
  }

  /** Returns the mask of a rank's queries over its own keys. */
  AttentionMask ofOwnKeys(int rank) {
    return positions == null || samples.documentStarts() == null
        ? AttentionMask.NONE
        : mask(samples.documentStarts(), of(positions, rank), of(positions, rank));
  }

  /** Returns the mask of the queries that see a block, over the block's keys. */
  AttentionMask ofBlock(BlockwiseAttention.VisibleBlock block) {
    return positions == null || samples.documentStarts() == null
        ? AttentionMask.NONE
        : mask(
            block.queries(samples.documentStarts()),
            block.queries(of(positions, block.rank())),
            block.keys(of(positions, block.owner())));
  }

  private AttentionMask mask(Tensor starts, Tensor queries, Tensor keys) {
    return new AttentionMask(starts, samples.maxDocuments(), queries, keys);
  }

  private static Tensor of(Tensor positions, int rank) {
    return positions.rows(rank, rank + 1).reshape(Shape.of(positions.dim(1)));
  }
}
