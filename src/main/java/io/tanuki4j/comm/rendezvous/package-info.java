/**
 * Where the processes of a run meet: addresses, who may take part, what all must agree on, and who
 * has failed.
 *
 * <p>Start reading at {@link io.tanuki4j.comm.rendezvous.RankProcess}.
 */
@NullMarked
package io.tanuki4j.comm.rendezvous;

import org.jspecify.annotations.NullMarked;
