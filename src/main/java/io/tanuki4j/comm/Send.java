package io.tanuki4j.comm;

import io.tanuki4j.tensor.Tensor;

/**
 * @param to a rank of the group
 */
public record Send(Tensor tensor, int to) {}
