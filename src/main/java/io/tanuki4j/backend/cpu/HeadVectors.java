package io.tanuki4j.backend.cpu;

import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.Tensor;

/**
 * The vectors of one kind of heads in a packed tensor {@code [positions, b, perToken·d]}.
 *
 * @param perToken heads of all kinds that the tensor has per token
 * @param first which of them is the kind's first
 */
record HeadVectors(Tensor tensor, int batchSize, int perToken, int first, int headDim) {

  /** Returns the index of the first element of a vector. */
  long place(int position, int sequence, int head) {
    return (((long) position * batchSize + sequence) * perToken + first + head) * headDim;
  }

  /** Returns the matrix whose rows are the vectors of a head, from this position on. */
  Gemm.Matrix matrix(int position, int sequence, int head) {
    long rowStride = (long) batchSize * perToken * headDim;
    return new Gemm.Matrix(tensor, place(position, sequence, head), rowStride, Op.NONE);
  }
}
