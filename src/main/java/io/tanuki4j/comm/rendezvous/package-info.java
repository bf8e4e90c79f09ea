/**
 * The meeting of a run's processes: addresses, admission, what all ranks must agree on, and
 * failures.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.rendezvous.RankProcess}.
 */
@NullMarked
package io.tanuki4j.comm.rendezvous;

import org.jspecify.annotations.NullMarked;
