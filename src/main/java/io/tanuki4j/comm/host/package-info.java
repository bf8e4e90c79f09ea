/**
 * Reductions in host memory, for groups that reduce without a device: views of tensors, and sums in
 * rank order.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.host.Reduction}.
 */
@NullMarked
package io.tanuki4j.comm.host;

import org.jspecify.annotations.NullMarked;
