package io.tanuki4j.flags;

import io.tanuki4j.parallel.LayoutRequest.Stages;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which layers a stage of the pipeline has: the flags of {@link Stages}. */
public final class StageOptions {
  @Option(
      names = "--num-layers-per-virtual-pipeline-stage",
      paramLabel = "N",
      description = "Each stage has several chunks of N layers: less waiting, more exchanges.")
  @Nullable Integer numLayersPerVirtualPipelineStage;

  @Option(
      names = "--num-virtual-stages-per-pipeline-rank",
      paramLabel = "N",
      description = "The same by the number of chunks.")
  @Nullable Integer numVirtualStagesPerPipelineRank;

  @Option(
      names = "--decoder-first-pipeline-num-layers",
      paramLabel = "N",
      description = "Layers of the first stage (as many as the others have).")
  @Nullable Integer decoderFirstPipelineNumLayers;

  @Option(
      names = "--decoder-last-pipeline-num-layers",
      paramLabel = "N",
      description = "Layers of the last stage (as many as the others have).")
  @Nullable Integer decoderLastPipelineNumLayers;

  @Option(
      names = "--account-for-embedding-in-pipeline-split",
      description = "The first stage has a layer less, for the embedding.")
  boolean accountForEmbeddingInPipelineSplit;

  @Option(
      names = "--account-for-loss-in-pipeline-split",
      description = "The last stage has a layer less, for the loss.")
  boolean accountForLossInPipelineSplit;

  Stages toRequest() {
    return new Stages(
        numLayersPerVirtualPipelineStage,
        numVirtualStagesPerPipelineRank,
        decoderFirstPipelineNumLayers,
        decoderLastPipelineNumLayers,
        accountForEmbeddingInPipelineSplit,
        accountForLossInPipelineSplit);
  }
}
