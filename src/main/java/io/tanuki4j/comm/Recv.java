package io.tanuki4j.comm;

import io.tanuki4j.tensor.Tensor;

/**
 * A receive from another rank.
 *
 * @param tensor gets the values; type and number of elements are the sender's
 * @param from a rank of the group
 */
public record Recv(Tensor tensor, int from) {}
