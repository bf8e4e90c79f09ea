/**
 * What a pipeline stage owns and in which order it works on it. The order is data, which {@link
 * io.tanuki4j.parallel.pipeline.Timeline} tries without a device.
 *
 * <p>Start reading at {@link io.tanuki4j.parallel.pipeline.PipelineSchedule}.
 */
@NullMarked
package io.tanuki4j.parallel.pipeline;

import org.jspecify.annotations.NullMarked;
