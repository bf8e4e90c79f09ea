package io.tanuki4j.plan;

import io.tanuki4j.model.FlopsPerToken;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Granularity;
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
    double backward = 2 * forward + again(numLayers);
    return switch (unit.direction()) {
      case FORWARD -> forward + (isLast(stage, unit) ? FlopsPerToken.ofHead(model) : 0);
      case BACKWARD -> backward;
      case INPUT_GRADIENT -> backward - weightGradients(numLayers);
      case WEIGHT_GRADIENT -> weightGradients(numLayers);
    };
  }

  /** Returns whether it has the head, which computes its gradients in the forward. */
  private boolean isLast(int stage, ChunkPass unit) {
    PipelineShape shape = new PipelineShape(layers.numStages(), layers.chunksPerStage(), 1);
    return shape.isLast(stage, unit.chunk());
  }

  /** Returns what a split backward leaves to its second half. */
  private double weightGradients(int numLayers) {
    double layer = (FlopsPerToken.ofLayer(model) - FlopsPerToken.ofAttentionCore(model)) / PASSES;
    return model.training().dropout().hidden() > 0
        ? 0
        : (numLayers - recomputed(numLayers)) * layer;
  }

  /** Returns how many of this number of layers are recomputed as a whole. */
  private int recomputed(int numLayers) {
    return switch (model.training().recompute().granularity()) {
      case NONE, SELECTIVE -> 0;
      case FULL_UNIFORM -> numLayers;
      case FULL_BLOCK -> Math.min(numLayers, model.training().recompute().numLayers());
    };
  }

  /** Returns what the backward recomputes for this number of layers. */
  private double again(int numLayers) {
    boolean core = model.training().recompute().granularity() == Granularity.SELECTIVE;
    long ofCores = core ? numLayers * FlopsPerToken.ofAttentionCore(model) : 0;
    return (ofCores + recomputed(numLayers) * FlopsPerToken.ofLayer(model)) / PASSES;
  }

  @Override
  public double transfer() {
    return 0;
  }
}
