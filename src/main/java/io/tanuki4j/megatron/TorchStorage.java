package io.tanuki4j.megatron;

/**
 * A pickle's description of a storage.
 *
 * @param key its name in the archive
 * @param numElements that it has
 */
record TorchStorage(TorchType type, String key, long numElements) {}
