package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Reads the format torch_dist: a table of contents of global tensors, each in chunks. The chunks
 * are in the files of the ranks that wrote them. Equal layers form one tensor with an extra dim.
 */
final class TorchDist {
  static final String METADATA = ".metadata";

  private static final String COMMON = "common.pt";
  private static final String LAYERS = "decoder.layers.";
  private static final Pattern NUMBERED = Pattern.compile("decoder\\.layers\\.\\d{1,6}\\..*");
  private static final Pattern OBJECT = Pattern.compile(".*/shard_\\d+(_\\d+)*");
  private static final Pattern STATE =
      Pattern.compile("optimizer\\.state\\.(exp_avg|exp_avg_sq|fp32_param)\\.(.*)");
  private static final String UNREAD =
      "its optimizer state is not stored by parameter (expected: of the formats fully_reshardable or fully_sharded_model_space, or of no distributed optimizer)";
  private static final int MAX_METADATA_BYTES = 1 << 29;

  private final MegatronFolder folder;
  private final Map<String, FileSlice> files = new HashMap<>();
  private final Group weights = new Group();
  private final Map<String, Group> states = new LinkedHashMap<>();
  private boolean hasOtherState;

  /** Tensors by the names of the weights: the weights, or one state of each. */
  private static final class Group {
    private final Map<String, List<Mosaic.Tile>> tiles = new LinkedHashMap<>();
    private final Map<String, List<Long>> sizes = new HashMap<>();
  }

  /** A tensor's group, and its name there. */
  private record Place(Group group, String name) {}

  TorchDist(MegatronFolder folder) {
    this.folder = folder;
  }

  void read() throws IOException {
    if (!(TorchArchive.open(folder.file(COMMON)).content() instanceof Map<?, ?> common)) {
      throw damaged("its %s holds no settings".formatted(COMMON));
    }
    Map<?, ?> table = metadata();
    readSizes(map(table.get("state_dict_metadata")));
    for (Map.Entry<?, ?> entry : map(table.get("storage_data")).entrySet()) {
      if (entry.getKey() instanceof PickledObject index
          && entry.getValue() instanceof PickledObject info) {
        read(index.attributes(), info.attributes());
      }
    }
    Map<String, Map<String, List<Matrix>>> optimizer = new LinkedHashMap<>();
    states.forEach((kind, group) -> optimizer.put(kind, matrices(group)));
    folder.take(common, matrices(weights), optimizer, hasOtherState ? UNREAD : TorchOptimizer.NONE);
  }

  /** Returns where a tensor belongs; null if it is neither a weight nor a state of one. */
  private @Nullable Place placeOf(String name) {
    Matcher state = STATE.matcher(name);
    if (folder.wantsOptimizer() && state.matches()) {
      Group group = states.computeIfAbsent(state.group(1), unused -> new Group());
      return new Place(group, state.group(2));
    }
    hasOtherState |= name.startsWith("optimizer.") || name.startsWith("chained_");
    return isWeight(name) ? new Place(weights, name) : null;
  }

  private Map<?, ?> metadata() throws IOException {
    FileSlice file = folder.file(METADATA);
    Object read = PickleReader.read(file.name(), file.bytes(MAX_METADATA_BYTES), key -> null);
    if (read instanceof PickledObject table) {
      return table.attributes();
    }
    throw damaged("its %s is no table of contents".formatted(METADATA));
  }

  private Map<?, ?> map(@Nullable Object value) {
    if (value instanceof Map<?, ?> map) {
      return map;
    }
    throw damaged("its %s lacks a part".formatted(METADATA));
  }

  private void readSizes(Map<?, ?> tensors) {
    tensors.forEach(
        (name, value) -> {
          if (value instanceof PickledObject tensor && tensor.attributes().containsKey("size")) {
            Place place = placeOf(String.valueOf(name));
            if (place != null) {
              place.group().sizes.put(place.name(), longs(tensor.attributes().get("size")));
            }
          }
        });
  }

  private List<Long> longs(@Nullable Object values) {
    List<Long> numbers = new ArrayList<>();
    for (Object each : values instanceof List<?> list ? list : List.of()) {
      if (!(each instanceof Long number) || number < 0) {
        throw damaged("a size or place in its %s is no number".formatted(METADATA));
      }
      numbers.add(number);
    }
    return numbers;
  }

  /**
   * Returns whether a name is a weight's. Optimizer state, and objects that are not tensors, are
   * skipped.
   */
  private static boolean isWeight(String name) {
    return !name.startsWith("optimizer.")
        && !name.startsWith("chained_")
        && !name.startsWith("rng_state")
        && !name.startsWith("rerun_state")
        && !OBJECT.matcher(name).matches()
        && !TorchRanks.isNoWeight(name);
  }

  private void read(Map<?, ?> index, Map<?, ?> info) throws IOException {
    String name = String.valueOf(index.get("fqn"));
    Place place = placeOf(name);
    if (place == null) {
      return;
    }
    if (!(info.get("offset") instanceof Long begin)
        || !(info.get("length") instanceof Long length)) {
      throw damaged("the place of %s is missing".formatted(name));
    }
    FileSlice item = file(String.valueOf(info.get("relative_path"))).part(begin, length);
    TorchArchive archive = TorchArchive.open(item);
    if (!(archive.content() instanceof TorchTensor tensor)) {
      throw damaged("%s is no tensor".formatted(name));
    }
    place(place, longs(index.get("offset")), archive.matrix(flat(place, tensor)));
  }

  private FileSlice file(String name) throws IOException {
    FileSlice known = files.get(name);
    if (known != null) {
      return known;
    }
    if (name.contains("/") || !name.endsWith(".distcp")) {
      throw damaged("its %s names the file '%s'".formatted(METADATA, name));
    }
    FileSlice opened = folder.file(name);
    files.put(name, opened);
    return opened;
  }

  /** Drops the leading dims of size one that count layers or ranks. */
  private TorchTensor flat(Place place, TorchTensor tensor) {
    String name = place.name();
    int wanted = sizesOf(place).size() - (isStacked(name) ? 1 : 0);
    int extra = tensor.sizes().size() - wanted;
    for (int i = 0; i < extra; i++) {
      if (tensor.sizes().get(i) != 1) {
        throw damaged("a chunk of %s has sizes %s".formatted(name, tensor.sizes()));
      }
    }
    int first = Math.max(0, extra);
    return new TorchTensor(
        tensor.type(),
        tensor.key(),
        tensor.numStored(),
        tensor.offset(),
        tensor.sizes().subList(first, tensor.sizes().size()),
        tensor.strides().subList(first, tensor.strides().size()));
  }

  private List<Long> sizesOf(Place place) {
    String name = place.name();
    List<Long> known = place.group().sizes.get(name);
    int most = isStacked(name) ? 3 : 2;
    if (known == null || known.size() > most || known.isEmpty()) {
      throw damaged("%s has sizes %s in its %s".formatted(name, known, METADATA));
    }
    return known;
  }

  /** Returns whether all layers form one tensor. */
  private static boolean isStacked(String name) {
    return name.startsWith(LAYERS) && !NUMBERED.matcher(name).matches();
  }

  private void place(Place place, List<Long> offsets, Matrix chunk) {
    String name = place.name();
    if (offsets.size() != sizesOf(place).size()) {
      throw damaged("a chunk of %s is at %s".formatted(name, offsets));
    }
    boolean stacked = isStacked(name);
    List<Long> inLayer = stacked ? offsets.subList(1, offsets.size()) : offsets;
    String global =
        stacked ? LAYERS + offsets.get(0) + "." + name.substring(LAYERS.length()) : name;
    long row = inLayer.isEmpty() ? 0 : inLayer.get(0);
    long column = inLayer.size() < 2 ? 0 : inLayer.get(1);
    place
        .group()
        .tiles
        .computeIfAbsent(global, unused -> new ArrayList<>())
        .add(new Mosaic.Tile(row, column, chunk));
  }

  /**
   * Returns the tensors of a group. Gate and up may be separate tensors: {@code
   * linear_fc1.weight_w} and {@code _v}.
   */
  private Map<String, List<Matrix>> matrices(Group group) {
    Map<String, List<Matrix>> weights = new LinkedHashMap<>();
    group.tiles.forEach(
        (name, parts) -> weights.put(name, List.of(whole(group.sizes, name, parts))));
    for (String gate : List.copyOf(weights.keySet())) {
      if (gate.endsWith("linear_fc1.weight_w")) {
        String name = gate.substring(0, gate.length() - "_w".length());
        List<Matrix> up = weights.remove(name + "_v");
        List<Matrix> packed = new ArrayList<>(weights.getOrDefault(gate, List.of()));
        packed.addAll(up == null ? List.of() : up);
        weights.remove(gate);
        weights.put(name, List.of(Matrix.below(packed)));
      }
    }
    return weights;
  }

  private Matrix whole(Map<String, List<Long>> sizes, String name, List<Mosaic.Tile> parts) {
    List<Long> known = sizes.get(name);
    if (known == null && NUMBERED.matcher(name).matches()) {
      List<Long> stacked = sizes.get(LAYERS + name.substring(LAYERS.length()).split("\\.", 2)[1]);
      known = stacked == null ? null : stacked.subList(1, stacked.size());
    }
    if (known == null) {
      throw damaged("%s has no size".formatted(name));
    }
    return new Mosaic(known.get(0), known.size() < 2 ? 1 : known.get(1), parts);
  }

  private UserException damaged(String why) {
    return new UserException(
        "%s: %s, so the checkpoint is damaged. Copy it again.".formatted(folder.folder(), why));
  }
}
