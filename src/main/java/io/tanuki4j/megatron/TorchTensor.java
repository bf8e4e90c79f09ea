package io.tanuki4j.megatron;

import java.util.List;

/**
 * A tensor in a pickle: a view of a storage elsewhere in the archive.
 *
 * @param type of its elements
 * @param key of the storage
 * @param numStored elements of the storage
 * @param offset where the view begins, in elements
 * @param sizes of its dims
 * @param strides of its dims, in elements
 */
record TorchTensor(
    TorchType type,
    String key,
    long numStored,
    long offset,
    List<Long> sizes,
    List<Long> strides) {}
