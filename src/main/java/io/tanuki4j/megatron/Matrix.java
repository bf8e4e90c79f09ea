package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

/** A matrix in files, or made of parts of such matrices. A vector is one column. Read on demand. */
interface Matrix {
  ElementType type();

  long rows();

  long columns();

  /**
   * Fills the rest of a little-endian buffer.
   *
   * @param first element in row-major order
   */
  void read(long first, ByteBuffer into) throws IOException;

  default int elementBytes() {
    return Math.toIntExact(type().numBytes(Shape.of(1)));
  }

  /** Returns the rows from {@code begin} to {@code end}, exclusive. */
  default Matrix rows(long begin, long end) {
    Matrix whole = this;
    return new Matrix() {
      @Override
      public ElementType type() {
        return whole.type();
      }

      @Override
      public long rows() {
        return end - begin;
      }

      @Override
      public long columns() {
        return whole.columns();
      }

      @Override
      public void read(long first, ByteBuffer into) throws IOException {
        whole.read(begin * columns() + first, into);
      }
    };
  }

  /** Stacks matrices of equal width, one below the other. */
  static Matrix below(List<Matrix> parts) {
    List<Mosaic.Tile> tiles = new ArrayList<>();
    long row = 0;
    for (Matrix part : parts) {
      tiles.add(new Mosaic.Tile(row, 0, part));
      row += part.rows();
    }
    return parts.size() == 1 ? parts.get(0) : new Mosaic(row, parts.get(0).columns(), tiles);
  }

  /** Joins matrices of equal height side by side. */
  static Matrix sideBySide(List<Matrix> parts) {
    List<Mosaic.Tile> tiles = new ArrayList<>();
    long column = 0;
    for (Matrix part : parts) {
      tiles.add(new Mosaic.Tile(0, column, part));
      column += part.columns();
    }
    return parts.size() == 1 ? parts.get(0) : new Mosaic(parts.get(0).rows(), column, tiles);
  }
}
