/**
 * Builds and runs the ranks of a run: the one place that chooses implementations and wires objects.
 *
 * <p>Start reading at {@link io.tanuki4j.run.RankLauncher}, then {@link io.tanuki4j.run.Assembly}.
 */
@NullMarked
package io.tanuki4j.run;

import org.jspecify.annotations.NullMarked;
