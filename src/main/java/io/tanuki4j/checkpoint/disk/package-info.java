/**
 * Files and folders that are either complete or absent, whatever kills the program.
 *
 * <p>Start reading at {@link io.tanuki4j.checkpoint.disk.NewFile}.
 */
@NullMarked
package io.tanuki4j.checkpoint.disk;

import org.jspecify.annotations.NullMarked;
