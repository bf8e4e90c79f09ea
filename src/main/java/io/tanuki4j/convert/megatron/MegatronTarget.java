package io.tanuki4j.convert.megatron;

/**
 * The kind of checkpoint to write.
 *
 * @param transformerEngine whether norms have the names that TransformerEngine's fused layers have
 */
public record MegatronTarget(int tensorRanks, int pipelineStages, boolean transformerEngine) {}
