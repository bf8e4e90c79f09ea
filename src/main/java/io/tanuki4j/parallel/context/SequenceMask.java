package io.tanuki4j.parallel.context;

import io.tanuki4j.kernel.AttentionMask;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Dropout;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.PositionIds;
import io.tanuki4j.nn.Samples;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.Arrays;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * What attention leaves out of a shared sequence besides later keys.
 *
 * @param samples of the micro-batch, with this rank's part of the sequence
 * @param positions {@code [ranks, s]}, I32: where each rank's tokens are in the sequence; null if
 *     nothing is left out
 * @param dropout of probabilities; null for none
 * @param firstHead of this rank
 */
record SequenceMask(
    Samples samples, @Nullable Tensor positions, @Nullable Dropout dropout, int firstHead) {

  /** Computes the positions of all ranks' tokens, for as long as the scope is open. */
  static Tensor positions(Device device, int numRanks, int seqLength, MemoryScope scope) {
    int[] positions =
        IntStream.range(0, numRanks)
            .flatMap(
                rank -> Arrays.stream(new SequenceSharding(rank, numRanks).positions(seqLength)))
            .toArray();
    return PositionIds.upload(positions, device, scope)
        .reshape(Shape.of(numRanks, positions.length / numRanks));
  }

  /** Returns the mask of a rank's queries over its own keys. */
  AttentionMask ofOwnKeys(int rank) {
    return positions == null
        ? AttentionMask.NONE
        : mask(samples.documentStarts(), of(positions, rank), of(positions, rank));
  }

  /** Returns the mask of the queries that see a block, over the block's keys. */
  AttentionMask ofBlock(BlockwiseAttention.VisibleBlock block) {
    if (positions == null) {
      return AttentionMask.NONE;
    }
    Tensor starts = samples.documentStarts();
    return mask(
        starts == null ? null : block.queries(starts),
        block.queries(of(positions, block.rank())),
        block.keys(of(positions, block.owner())));
  }

  private AttentionMask mask(@Nullable Tensor starts, Tensor queries, Tensor keys) {
    return new AttentionMask(starts, samples.maxDocuments(), queries, keys, dropout, firstHead);
  }

  private static Tensor of(Tensor positions, int rank) {
    return positions.rows(rank, rank + 1).reshape(Shape.of(positions.dim(1)));
  }
}
