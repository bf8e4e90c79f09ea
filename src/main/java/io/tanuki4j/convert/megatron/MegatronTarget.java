package io.tanuki4j.convert.megatron;

/**
 * What kind of checkpoint is written.
 *
 * @param transformerEngine whether norms have the names that TransformerEngine's fused layers have
 */
public record MegatronTarget(int tensorRanks, int pipelineStages, boolean transformerEngine) {}
