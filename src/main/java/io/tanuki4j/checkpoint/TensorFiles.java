package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.error.DamagedException;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;

/** The open files of one kind of a checkpoint's state. Several threads may read. */
interface TensorFiles extends Closeable {
  /**
   * Fills the rest of a buffer with elements of a box of a tensor.
   *
   * @param first element of the box, in row-major order
   * @throws io.tanuki4j.error.UserException if a weight among them is not finite
   */
  void read(StoredTensor tensor, Region box, long first, ByteBuffer into) throws IOException;

  /**
   * Reads what this rank has to compare, and compares it.
   *
   * @throws DamagedException if a byte has changed since the files were written
   */
  void verify() throws IOException;
}
