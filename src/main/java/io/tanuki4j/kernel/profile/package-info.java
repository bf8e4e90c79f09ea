/**
 * Where the time of a run goes, operation by operation. A device times each call of another one's
 * kernels; other classes give the cost on an ideal machine, and the machine's speed.
 *
 * <p>Start reading at {@link io.tanuki4j.kernel.profile.ProfiledDevice}.
 */
@NullMarked
package io.tanuki4j.kernel.profile;

import org.jspecify.annotations.NullMarked;
