package io.tanuki4j.comm;

import io.tanuki4j.tensor.Tensor;

/**
 * A send to another rank.
 *
 * @param to a rank of the group
 */
public record Send(Tensor tensor, int to) {}
