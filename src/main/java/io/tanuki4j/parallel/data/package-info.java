/**
 * What the replicas of a model exchange: gradients in buckets, shards of the optimizer's state
 * (ZeRO-1) and the weights that come of them.
 *
 * <p>Start reading at {@link io.tanuki4j.parallel.data.DataParallel}.
 */
@NullMarked
package io.tanuki4j.parallel.data;

import org.jspecify.annotations.NullMarked;
