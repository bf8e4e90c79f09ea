package io.tanuki4j.parallel;

/**
 * How a run is spread over its ranks: the answer of {@link LayoutRules}.
 *
 * @param layers of each stage and chunk
 */
public record Layout(ParallelDims dims, StageLayers layers) {}
