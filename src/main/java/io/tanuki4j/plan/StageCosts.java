package io.tanuki4j.plan;

import io.tanuki4j.model.FlopsPerToken;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.pipeline.ChunkPass;
import io.tanuki4j.parallel.pipeline.PipelineShape;
import io.tanuki4j.parallel.pipeline.Timeline;

/**
 * What the stages of a pipeline compute for a token, in floating-point operations in place of
 * seconds: enough to see which part of the time they wait for each other. Messages are free.
 */
record StageCosts(ModelConfig model, StageLayers layers) implements Timeline.Costs {
  /** Forward, gradient of the input, gradient of the weight. */
  private static final double PASSES = 3;

  @Override
  public double compute(int stage, ChunkPass unit) {
    int numLayers = layers.count(stage, unit.chunk());
    double forward = numLayers * FlopsPerToken.ofLayer(model) / PASSES;
    if (!unit.isForward()) {
      return 2 * forward + again(numLayers);
    }
    PipelineShape shape = new PipelineShape(layers.numStages(), layers.chunksPerStage(), 1);
    // The head computes its gradients in the forward.
    return shape.isLast(stage, unit.chunk()) ? forward + FlopsPerToken.ofHead(model) : forward;
  }

  /** Returns what the backward recomputes for this number of layers. */
  private double again(int numLayers) {
    double layer = FlopsPerToken.ofLayer(model) / PASSES;
    return switch (model.training().recompute().granularity()) {
      case NONE -> 0;
      case SELECTIVE -> numLayers * FlopsPerToken.ofAttentionCore(model) / PASSES;
      case FULL_UNIFORM -> numLayers * layer;
      case FULL_BLOCK -> Math.min(numLayers, model.training().recompute().numLayers()) * layer;
    };
  }

  @Override
  public double transfer() {
    return 0;
  }
}
