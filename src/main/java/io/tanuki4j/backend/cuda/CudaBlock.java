package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DeviceBuffer;

/**
 * A block of GPU memory as cudaMalloc gave it.
 *
 * @param owner the label of the root scope, or what else holds it
 */
record CudaBlock(String owner, long address, long bytes) implements DeviceBuffer {}
