/**
 * Layers whose weights are spread over ranks (tensor parallelism: Shoeybi et al., 2019), and the
 * sequence between them too (sequence parallelism: Korthikanti et al., 2022). Each is a layer of
 * {@code nn} over this rank's part of the weights, with what the ranks exchange around it; in a
 * group of one rank nothing is exchanged, and only the layer is left.
 *
 * <p>Start reading at {@link io.tanuki4j.parallel.tensor.TensorRegion}.
 */
@NullMarked
package io.tanuki4j.parallel.tensor;

import org.jspecify.annotations.NullMarked;
