/**
 * Checkpoints and token files as ND4J's arrays, for programs that use this one as a library. ND4J
 * must be on their class path.
 *
 * <p>Start reading at {@link io.tanuki4j.nd4j.Nd4jCheckpoint}.
 */
@NullMarked
package io.tanuki4j.nd4j;

import org.jspecify.annotations.NullMarked;
