package io.tanuki4j.parallel;

import org.jspecify.annotations.Nullable;

/**
 * What the flags ask for.
 *
 * @param worldSize ranks in all; the data-parallel degree follows from it
 * @param tp {@code --tensor-model-parallel-size}
 * @param cp {@code --context-parallel-size}
 * @param pp {@code --pipeline-model-parallel-size}
 */
public record LayoutRequest(
    int worldSize, int tp, int cp, int pp, boolean sequenceParallel, Stages stages) {

  /**
   * How the layers go to the stages; {@link #EVEN} is Megatron's default.
   *
   * @param layersPerChunk {@code --num-layers-per-virtual-pipeline-stage}
   * @param chunksPerStage {@code --num-virtual-stages-per-pipeline-rank}; at most one of the two
   * @param firstStage {@code --decoder-first-pipeline-num-layers}
   * @param lastStage {@code --decoder-last-pipeline-num-layers}
   * @param embeddingCounts {@code --account-for-embedding-in-pipeline-split}: the embedding counts
   *     as a layer of the first stage; not together with first or last numbers
   * @param lossCounts {@code --account-for-loss-in-pipeline-split}, the same for the last stage
   */
  public record Stages(
      @Nullable Integer layersPerChunk,
      @Nullable Integer chunksPerStage,
      @Nullable Integer firstStage,
      @Nullable Integer lastStage,
      boolean embeddingCounts,
      boolean lossCounts) {
    public static final Stages EVEN = new Stages(null, null, null, null, false, false);
  }

  /** The sizes of a run that have to be divisible. */
  public record Sizes(ModelSizes model, int microBatchSize, int globalBatchSize) {}

  /**
   * The sizes of a model that have to be divisible.
   *
   * @param vocabSize padded; 0 where it is not known yet (it is padded to a multiple then)
   */
  public record ModelSizes(
      int numLayers,
      int numHeads,
      int numQueryGroups,
      int ffnHiddenSize,
      int vocabSize,
      int seqLength) {}
}
