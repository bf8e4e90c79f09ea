/**
 * Where the time of a run goes, operation by operation: a device that times each call of another
 * one's kernels, what the calls cost on an ideal machine, and how fast the machine is.
 *
 * <p>Start reading at {@link io.tanuki4j.kernel.profile.ProfiledDevice}.
 */
@NullMarked
package io.tanuki4j.kernel.profile;

import org.jspecify.annotations.NullMarked;
