package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Global tensors of one kind from the format torch_dist: the weights, or one state of each. Chunks
 * are boxes of them. A state of the distributed optimizer may also have chunks of ranges: then each
 * tensor is cut into equal boxes for the tensor parallel ranks, and the elements of a box into
 * ranges for its replicas. Equal layers form one tensor with an extra dim.
 */
final class ChunkedTensors {
  private static final String LAYERS = "decoder.layers.";
  private static final Pattern NUMBERED = Pattern.compile("decoder\\.layers\\.\\d{1,6}\\..*");

  private final String source;
  private final Map<String, Shape> shapes = new HashMap<>();
  private final Map<String, List<Mosaic.Tile>> tiles = new LinkedHashMap<>();
  private final Map<Box, List<Mosaic.Tile>> ranges = new LinkedHashMap<>();

  /**
   * The shape of a tensor.
   *
   * @param sizes of its dims
   * @param boxes number of boxes along each dim; empty if chunks are not ranges of boxes
   */
  private record Shape(List<Long> sizes, List<Long> boxes) {}

  /** A box whose elements are cut into ranges. */
  private record Box(String name, long row, long column, long rows, long columns) {}

  ChunkedTensors(String source) {
    this.source = source;
  }

  /** Adds a tensor. */
  void add(String name, List<Long> sizes) {
    shapes.put(name, new Shape(sizes, List.of()));
  }

  /**
   * Adds a tensor of boxes that are cut into ranges.
   *
   * @param stored number of boxes along each dim, followed by the elements of one
   */
  void add(String name, List<Long> sizes, List<Long> stored) {
    if (stored.size() != sizes.size() + 1 || stored.contains(0L)) {
      throw damaged("%s of sizes %s is in boxes of %s".formatted(name, sizes, stored));
    }
    shapes.put(name, new Shape(sizes, stored.subList(0, sizes.size())));
  }

  /**
   * Returns a chunk without the leading dims of size one, which count layers, ranks or boxes.
   *
   * @param tensor as it is stored
   */
  TorchTensor flat(String name, TorchTensor tensor) {
    Shape shape = shape(name);
    int dims = shape.boxes.isEmpty() ? shape.sizes.size() - (isStacked(name) ? 1 : 0) : 1;
    int first = Math.max(0, tensor.sizes().size() - dims);
    if (tensor.sizes().subList(0, first).stream().anyMatch(size -> size != 1)) {
      throw damaged("a chunk of %s has sizes %s".formatted(name, tensor.sizes()));
    }
    return new TorchTensor(
        tensor.type(),
        tensor.key(),
        tensor.numStored(),
        tensor.offset(),
        tensor.sizes().subList(first, tensor.sizes().size()),
        tensor.strides().subList(first, tensor.strides().size()));
  }

  private Shape shape(String name) {
    Shape shape = shapes.get(name);
    int most = isStacked(name) ? 3 : 2;
    if (shape == null || shape.sizes.size() > most || shape.sizes.isEmpty()) {
      throw damaged("%s has sizes %s".formatted(name, shape == null ? "none" : shape.sizes));
    }
    return shape;
  }

  /** Returns whether all layers form one tensor. */
  private static boolean isStacked(String name) {
    return name.startsWith(LAYERS) && !NUMBERED.matcher(name).matches();
  }

  /** Adds a chunk at its place. */
  void add(String name, List<Long> offsets, Matrix chunk) {
    Shape shape = shape(name);
    if (offsets.size() != shape.sizes.size() + (shape.boxes.isEmpty() ? 0 : 1)) {
      throw damaged("a chunk of %s is at %s".formatted(name, offsets));
    }
    int first = isStacked(name) ? 1 : 0;
    String global =
        first == 0 ? name : LAYERS + offsets.get(0) + "." + name.substring(LAYERS.length());
    if (shape.boxes.isEmpty()) {
      long column = shape.sizes.size() < first + 2 ? 0 : offsets.get(first + 1);
      add(global, new Mosaic.Tile(offsets.get(first), column, chunk));
    } else {
      ranges
          .computeIfAbsent(box(global, shape, offsets, first), unused -> new ArrayList<>())
          .add(new Mosaic.Tile(offsets.get(offsets.size() - 1), 0, chunk));
    }
  }

  private static Box box(String global, Shape shape, List<Long> offsets, int first) {
    long rows = shape.sizes.get(first) / shape.boxes.get(first);
    boolean vector = shape.sizes.size() < first + 2;
    long columns = vector ? 1 : shape.sizes.get(first + 1) / shape.boxes.get(first + 1);
    long column = vector ? 0 : offsets.get(first + 1) * columns;
    return new Box(global, offsets.get(first) * rows, column, rows, columns);
  }

  private void add(String global, Mosaic.Tile tile) {
    tiles.computeIfAbsent(global, unused -> new ArrayList<>()).add(tile);
  }

  /**
   * Returns the tensors. Gate and up may be separate ones: {@code linear_fc1.weight_w} and {@code
   * _v}.
   */
  Map<String, List<Matrix>> matrices() {
    ranges.forEach(
        (box, parts) -> {
          Matrix elements = new Mosaic(box.rows * box.columns, 1, parts);
          add(
              box.name,
              new Mosaic.Tile(
                  box.row, box.column, new Reshaped(elements, 0, box.rows, box.columns)));
        });
    ranges.clear();
    Map<String, List<Matrix>> whole = new LinkedHashMap<>();
    tiles.forEach((name, parts) -> whole.put(name, List.of(whole(name, parts))));
    for (String gate : List.copyOf(whole.keySet())) {
      if (gate.endsWith("linear_fc1.weight_w")) {
        String name = gate.substring(0, gate.length() - "_w".length());
        List<Matrix> up = whole.remove(name + "_v");
        List<Matrix> packed = new ArrayList<>(whole.getOrDefault(gate, List.of()));
        packed.addAll(up == null ? List.of() : up);
        whole.remove(gate);
        whole.put(name, List.of(Matrix.below(packed)));
      }
    }
    return whole;
  }

  private Matrix whole(String name, List<Mosaic.Tile> parts) {
    List<Long> sizes = sizes(name);
    if (sizes == null) {
      throw damaged("%s has no size".formatted(name));
    }
    return new Mosaic(sizes.get(0), sizes.size() < 2 ? 1 : sizes.get(1), parts);
  }

  /** Returns the sizes of a tensor, or of a layer's part of a stacked one. */
  private @Nullable List<Long> sizes(String name) {
    Shape shape = shapes.get(name);
    if (shape != null || !NUMBERED.matcher(name).matches()) {
      return shape == null ? null : shape.sizes;
    }
    Shape stacked = shapes.get(LAYERS + name.substring(LAYERS.length()).split("\\.", 2)[1]);
    return stacked == null ? null : stacked.sizes.subList(1, stacked.sizes.size());
  }

  private UserException damaged(String why) {
    return new UserException(
        "%s: %s in its %s, so the checkpoint is damaged. Copy it again."
            .formatted(source, why, TorchDist.METADATA));
  }
}
