package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A matrix of tiles that lie in several places.
 *
 * @param tiles cover it without overlap
 */
record Mosaic(long rows, long columns, List<Tile> tiles) implements Matrix {
  /**
   * A part of it.
   *
   * @param row where it begins
   * @param column where it begins
   */
  record Tile(long row, long column, Matrix content) {
    boolean contains(long atRow, long atColumn) {
      return row <= atRow
          && atRow < row + content.rows()
          && column <= atColumn
          && atColumn < column + content.columns();
    }
  }

  /**
   * Checks the tiles.
   *
   * @throws UserException if the tiles do not cover it, or are of several types
   */
  Mosaic {
    tiles = List.copyOf(tiles);
    long covered = 0;
    for (Tile tile : tiles) {
      covered += tile.content.rows() * tile.content.columns();
      if (tile.content.type() != tiles.get(0).content.type()
          || tile.row + tile.content.rows() > rows
          || tile.column + tile.content.columns() > columns) {
        throw new UserException(
            "the parts of a tensor of %d rows and %d columns do not fit together: the checkpoint is damaged."
                .formatted(rows, columns));
      }
    }
    if (covered != rows * columns || tiles.isEmpty()) {
      throw new UserException(
          "the parts of a tensor of %d rows and %d columns have %d elements: the checkpoint is damaged or lacks files."
              .formatted(rows, columns, covered));
    }
  }

  @Override
  public ElementType type() {
    return tiles.get(0).content.type();
  }

  @Override
  public void read(long first, ByteBuffer into) throws IOException {
    int elementBytes = elementBytes();
    int end = into.limit();
    long element = first;
    while (into.position() < end) {
      long row = element / columns;
      long column = element % columns;
      Tile tile = tileAt(row, column);
      long width = tile.content.columns();
      long from = (row - tile.row) * width + column - tile.column;
      long ahead =
          width == columns ? tile.content.rows() * width - from : tile.column + width - column;
      long run = Math.min(ahead, (end - into.position()) / elementBytes);
      into.limit(into.position() + Math.toIntExact(run * elementBytes));
      tile.content.read(from, into);
      into.limit(end);
      element += run;
    }
  }

  private Tile tileAt(long row, long column) {
    for (Tile tile : tiles) {
      if (tile.contains(row, column)) {
        return tile;
      }
    }
    throw new UserException(
        "the parts of a tensor leave out row %d, column %d: the checkpoint is damaged."
            .formatted(row, column));
  }
}
