package io.tanuki4j.backend.cuda;

/**
 * A tensor of a cuDNN graph.
 *
 * @param id by which a variant pack gives it its address
 * @param dims batch, heads, then rows and columns
 * @param strides in elements
 */
record CudnnTensor(CudnnDescriptor descriptor, long id, long[] dims, long[] strides) {}
