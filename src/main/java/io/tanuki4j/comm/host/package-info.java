/**
 * Reductions in the memory of the host, for the groups that do without a device's help: views of
 * tensors, and sums in the order of the ranks.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.host.Reduction}.
 */
@NullMarked
package io.tanuki4j.comm.host;

import org.jspecify.annotations.NullMarked;
