package io.tanuki4j.backend.cuda;

/**
 * How blocks share the sums over a matrix's rows. Each has a tile of columns and takes groups of
 * rows at equal distances.
 *
 * @param count of the parts that each column's sum has
 */
record RowParts(long rows, int columns, int count) {
  private static final int TILE = 32;

  /** Enough for a GPU's multiprocessors where there are few columns. */
  private static final int MAX_PARTS = 32;

  static RowParts of(long rows, int columns) {
    long groups = Math.max(1, Vectors.ceilDiv(rows, TILE));
    return new RowParts(rows, columns, (int) Math.min(MAX_PARTS, groups));
  }

  /** Returns the bytes of one float for each column and part. */
  long bytes() {
    return (long) count * columns * Float.BYTES;
  }

  void launch(CudaFunction function) {
    function.launch(Vectors.ceilDiv(columns, TILE), count, 1, TILE, TILE);
  }
}
