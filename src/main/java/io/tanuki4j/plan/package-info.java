/**
 * What a run needs of every rank, found without devices: memory, messages, idle time.
 *
 * <p>Start reading at {@link io.tanuki4j.plan.RunPlan}.
 */
@NullMarked
package io.tanuki4j.plan;

import org.jspecify.annotations.NullMarked;
