package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TensorViews;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;

/** A whole tensor of this program as a matrix. */
record SourceMatrix(ShardedTensor tensor) implements Matrix {
  @Override
  public ElementType type() {
    return tensor.type();
  }

  @Override
  public long rows() {
    return tensor.shape().dim(0);
  }

  @Override
  public long columns() {
    return tensor.shape().rank() == 1 ? 1 : tensor.shape().dim(1);
  }

  @Override
  public void read(long first, ByteBuffer into) throws IOException {
    tensor.content().read(first, into);
  }

  /** Returns the columns from {@code begin} to {@code end}, exclusive. */
  Matrix columns(long begin, long end) {
    return new SourceMatrix(TensorViews.part(tensor, new Region(0, begin, rows(), end - begin)));
  }
}
