package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import io.tanuki4j.megatron.RankParameters.Parameter;
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
 * are in the files of the ranks that wrote them. States of the distributed optimizer are stored by
 * parameter, or as the buffers of each tensor and pipeline parallel rank (dp_reshardable).
 */
final class TorchDist {
  static final String METADATA = ".metadata";

  private static final String COMMON = "common.pt";
  private static final String BUFFER_OF = "optimizer.distributed.dp_group_idx_";
  private static final Pattern OBJECT = Pattern.compile(".*/shard_\\d+(_\\d+)*");
  private static final Pattern STATE =
      Pattern.compile("optimizer\\.state\\.(exp_avg|exp_avg_sq|fp32_param|param)\\.(.*)");
  private static final Pattern BUCKET =
      Pattern.compile(
          "(.*dp_group_idx_\\d+)\\.(gbuf_idx_\\d+)\\.dtype_.*(\\.bucket_idx_\\d+\\.)(param|exp_avg|exp_avg_sq)");
  private static final String UNREAD =
      "its optimizer state is of a form that is not read (expected: fully_reshardable, dp_reshardable or fully_sharded_model_space, or of no distributed optimizer)";
  private static final String RANGES_OF = "nd_reformulated_orig_global_shape";
  private static final int MAX_METADATA_BYTES = 1 << 29;

  private final MegatronFolder folder;
  private final String source;
  private final Map<String, FileSlice> files = new HashMap<>();
  private final ChunkedTensors weights;
  private final ChunkedTensors buckets;
  private final Map<String, ChunkedTensors> states = new LinkedHashMap<>();
  private @Nullable Object savedOptimizer;
  private boolean hasOtherState;

  /** A tensor's group, and its name there. */
  private record Place(ChunkedTensors group, String name) {}

  TorchDist(MegatronFolder folder) {
    this.folder = folder;
    this.source = folder.folder().toString();
    this.weights = new ChunkedTensors(source);
    this.buckets = new ChunkedTensors(source);
  }

  void read() throws IOException {
    if (!(TorchArchive.open(folder.file(COMMON)).content() instanceof Map<?, ?> common)) {
      throw damaged("its %s holds no settings".formatted(COMMON));
    }
    Map<?, ?> table = metadata();
    readSizes(map(table.get("state_dict_metadata")), table.get("mcore_data"));
    for (Map.Entry<?, ?> entry : map(table.get("storage_data")).entrySet()) {
      if (entry.getKey() instanceof PickledObject index
          && entry.getValue() instanceof PickledObject info) {
        read(index.attributes(), info.attributes());
      }
    }
    Map<Object, @Nullable Object> settings = new LinkedHashMap<>(common);
    if (savedOptimizer != null) {
      settings.put("optimizer", savedOptimizer);
    }
    folder.take(
        settings,
        weights.matrices(),
        optimizer(common),
        hasOtherState ? UNREAD : TorchOptimizer.NONE);
  }

  private Map<String, Map<String, List<Matrix>>> optimizer(Map<?, ?> common) {
    Map<String, List<Matrix>> stored = buckets.matrices();
    if (!stored.isEmpty() && common.get("args") instanceof PickledObject args) {
      return buffers(
          stored, new RankParameters(source, weights.matrices(), MegatronFolder.arguments(args)));
    }
    Map<String, Map<String, List<Matrix>>> optimizer = new LinkedHashMap<>();
    states.forEach((state, group) -> optimizer.put(OptimizerBuffers.kind(state), group.matrices()));
    return optimizer;
  }

  private Map<String, Map<String, List<Matrix>>> buffers(
      Map<String, List<Matrix>> stored, RankParameters ranks) {
    OptimizerBuffers buffers = new OptimizerBuffers(source);
    for (int rank = 0; rank < ranks.numRanks(); rank++) {
      int number = 0;
      for (List<Parameter> parameters : RankParameters.buffers(ranks.chunks(rank))) {
        Map<String, List<Matrix>> ofStates = new LinkedHashMap<>();
        for (String state : OptimizerBuffers.STATES) {
          ofStates.put(state, buckets(stored, BUFFER_OF + rank + ".gbuf_idx_" + number, state));
        }
        buffers.add(parameters, ofStates);
        number++;
      }
    }
    return buffers.states();
  }

  private static List<Matrix> buckets(
      Map<String, List<Matrix>> stored, String buffer, String state) {
    List<Matrix> buckets = new ArrayList<>();
    for (int i = 0; ; i++) {
      List<Matrix> bucket = stored.get("%s.bucket_idx_%d.%s".formatted(buffer, i, state));
      if (bucket == null) {
        return buckets;
      }
      buckets.addAll(bucket);
    }
  }

  /** Returns where a tensor belongs; null if it is neither a weight nor a state of one. */
  private @Nullable Place placeOf(String name) {
    Matcher state = STATE.matcher(name);
    if (folder.wantsOptimizer() && state.matches()) {
      ChunkedTensors group =
          states.computeIfAbsent(state.group(1), unused -> new ChunkedTensors(source));
      return new Place(group, state.group(2));
    }
    Matcher bucket = BUCKET.matcher(name);
    if (folder.wantsOptimizer() && name.startsWith(BUFFER_OF) && bucket.matches()) {
      return new Place(
          buckets, bucket.group(1) + "." + bucket.group(2) + bucket.group(3) + bucket.group(4));
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

  /**
   * Reads the sizes of tensors.
   *
   * @param ofRanges of tensors that are cut into ranges: the sizes that they have
   */
  private void readSizes(Map<?, ?> tensors, @Nullable Object ofRanges) {
    Map<?, ?> whole = ofRanges instanceof Map<?, ?> map ? map : Map.of();
    tensors.forEach(
        (name, value) -> {
          Place place = placeOf(String.valueOf(name));
          if (place != null
              && value instanceof PickledObject tensor
              && tensor.attributes().containsKey("size")) {
            List<Long> stored = longs(tensor.attributes().get("size"));
            Object sizes = whole.get(name) instanceof Map<?, ?> map ? map.get(RANGES_OF) : null;
            if (sizes == null) {
              place.group().add(place.name(), stored);
            } else {
              place.group().add(place.name(), longs(sizes), stored);
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
    boolean settings = name.startsWith(BUFFER_OF + "0.optimizer/");
    if (place == null && !settings) {
      return;
    }
    if (!(info.get("offset") instanceof Long begin)
        || !(info.get("length") instanceof Long length)) {
      throw damaged("the place of %s is missing".formatted(name));
    }
    FileSlice item = file(String.valueOf(info.get("relative_path"))).part(begin, length);
    TorchArchive archive = TorchArchive.open(item);
    Object content = archive.content();
    if (place == null) {
      savedOptimizer = content instanceof List<?> one && one.size() == 1 ? one.get(0) : content;
    } else if (content instanceof TorchTensor tensor) {
      TorchTensor flat = place.group().flat(place.name(), tensor);
      Matrix chunk =
          place.group() == weights ? folder.weight(archive, flat) : folder.state(archive, flat);
      place.group().add(place.name(), longs(index.get("offset")), chunk);
    } else {
      throw damaged("%s is no tensor".formatted(name));
    }
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

  private UserException damaged(String why) {
    return new UserException(
        "%s: %s, so the checkpoint is damaged. Copy it again.".formatted(source, why));
  }
}
