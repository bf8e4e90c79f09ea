/**
 * A device without memory and arithmetic: it only counts the bytes that work would take on another
 * device, so that a run can be planned before a byte of it is allocated, for any number of ranks.
 *
 * <p>Start reading at CountingDevice.
 */
@NullMarked
package io.tanuki4j.backend.counting;

import org.jspecify.annotations.NullMarked;
