package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.tensor.Tensor;

/** Addresses of the first query, key and value, or of their gradients. */
record AttentionOperands(long queries, long keys, long values) {

  /** Returns the addresses in a packed projection. */
  static AttentionOperands packed(Tensor qkv, AttentionShape shape) {
    long bytes = (long) shape.headDim() * qkv.dtype().bytes();
    long queries = Address.of(qkv);
    long keys = queries + shape.numHeads() * bytes;
    return new AttentionOperands(queries, keys, keys + shape.numQueryGroups() * bytes);
  }

  /** Returns the addresses of keys and values that are separate from the queries. */
  static AttentionOperands apart(Tensor queries, Tensor keyValues, AttentionShape shape) {
    long bytes = (long) shape.headDim() * keyValues.dtype().bytes();
    long keys = Address.of(keyValues);
    return new AttentionOperands(Address.of(queries), keys, keys + shape.numQueryGroups() * bytes);
  }
}
