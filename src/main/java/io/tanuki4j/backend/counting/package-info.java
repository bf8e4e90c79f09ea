/**
 * A device without memory or arithmetic. It only counts the bytes that work would take on another
 * device, so that a run of any number of ranks can be planned before it allocates anything.
 *
 * <p>Start reading at CountingDevice.
 */
@NullMarked
package io.tanuki4j.backend.counting;

import org.jspecify.annotations.NullMarked;
