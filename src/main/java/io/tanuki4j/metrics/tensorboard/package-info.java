/**
 * Event files of TensorBoard.
 *
 * <p>Start reading at {@link io.tanuki4j.metrics.tensorboard.TensorBoardSink}.
 */
@NullMarked
package io.tanuki4j.metrics.tensorboard;

import org.jspecify.annotations.NullMarked;
