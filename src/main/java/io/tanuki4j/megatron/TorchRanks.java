package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import io.tanuki4j.megatron.RankParameters.Parameter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads the format torch: a file for each tensor and pipeline parallel rank. */
final class TorchRanks {
  private static final Pattern RANK =
      Pattern.compile("mp_rank_(\\d{2,})(?:_(\\d{3,}))?(_\\d{3,})?");
  private static final Pattern LAYER = Pattern.compile("decoder\\.layers\\.(\\d{1,6})\\.(.*)");
  static final String FILE = "model_optim_rng.pt";
  private static final String OTHER_FILE = "model_rng.pt";

  private final MegatronFolder folder;
  private final Map<String, List<Matrix>> weights = new LinkedHashMap<>();
  private long numLayers;

  TorchRanks(MegatronFolder folder) {
    this.folder = folder;
  }

  /** The part of a model that a file has. */
  record Place(int stage, int tensorRank) implements Comparable<Place> {
    @Override
    public int compareTo(Place other) {
      int byStage = Integer.compare(stage, other.stage);
      return byStage != 0 ? byStage : Integer.compare(tensorRank, other.tensorRank);
    }
  }

  /**
   * A rank's file and its content.
   *
   * @param name of the rank's folder
   * @param chunks parameters of each chunk of layers, in Megatron's order
   */
  record RankFile(
      String name, TorchArchive archive, Map<?, ?> content, List<List<Parameter>> chunks) {
    List<Parameter> parameters() {
      return chunks.stream().flatMap(List::stream).toList();
    }
  }

  /** Returns the folders of the ranks; empty if there are none. */
  static SortedMap<Place, String> find(Path folder) throws IOException {
    SortedMap<Place, String> found = new TreeMap<>();
    if (!Files.isDirectory(folder)) {
      return found;
    }
    try (Stream<Path> inside = Files.list(folder)) {
      for (Path each : (Iterable<Path>) inside::iterator) {
        Matcher name = RANK.matcher(each.getFileName().toString());
        if (name.matches()) {
          refuseExperts(each, name.group(3));
          int stage = name.group(2) == null ? 0 : Integer.parseInt(name.group(2));
          found.put(new Place(stage, Integer.parseInt(name.group(1))), name.group());
        }
      }
    }
    return found;
  }

  private static void refuseExperts(Path folder, @Nullable String expert) {
    if (expert != null) {
      throw new UserException(
          folder + ": it is a part of experts, which this program's models have not.");
    }
  }

  void read() throws IOException {
    SortedMap<Place, String> ranks = find(folder.folder());
    int numStages = ranks.lastKey().stage() + 1;
    int numTensorRanks = ranks.size() / numStages;
    requireAll(ranks, numStages, numTensorRanks);
    List<List<RankFile>> stages = new ArrayList<>();
    for (int stage = 0; stage < numStages; stage++) {
      List<RankFile> files = new ArrayList<>();
      for (int rank = 0; rank < numTensorRanks; rank++) {
        files.add(open(String.valueOf(ranks.get(new Place(stage, rank)))));
      }
      stages.add(files);
    }
    readChunks(stages);
    TorchOptimizer optimizer = new TorchOptimizer(folder);
    for (int stage = 0; folder.wantsOptimizer() && stage < numStages; stage++) {
      for (RankFile file : stages.get(stage)) {
        optimizer.add(file, stage);
      }
    }
    folder.take(stages.get(0).get(0).content(), weights, optimizer.states(), optimizer.whyAbsent());
  }

  private void requireAll(SortedMap<Place, String> ranks, int stages, int tensorRanks) {
    for (int stage = 0; stage < stages; stage++) {
      for (int rank = 0; rank < tensorRanks; rank++) {
        if (!ranks.containsKey(new Place(stage, rank)) || ranks.size() != stages * tensorRanks) {
          throw new UserException(
              "%s: it has %d folders of ranks (%s), which are not those of %d stages with as many tensor parallel ranks each. Copy it again."
                  .formatted(
                      folder.folder(), ranks.size(), String.join(", ", ranks.values()), stages));
        }
      }
    }
  }

  private RankFile open(String rank) throws IOException {
    boolean usual = Files.exists(folder.folder().resolve(rank).resolve(FILE));
    FileSlice file = folder.file(rank + "/" + (usual ? FILE : OTHER_FILE));
    TorchArchive archive = TorchArchive.open(file);
    if (archive.content() instanceof Map<?, ?> content) {
      return new RankFile(rank, archive, content, new ArrayList<>());
    }
    throw new UserException(file.name() + ": it is no checkpoint of Megatron, or is damaged.");
  }

  /** Chunks in the order of the model: every stage's first, then every stage's second. */
  private void readChunks(List<List<RankFile>> stages) throws IOException {
    boolean virtual = stages.get(0).get(0).content().containsKey("model0");
    for (int chunk = 0; chunk == 0 || hasChunk(stages, chunk); chunk++) {
      for (List<RankFile> ranks : stages) {
        readChunk(ranks, virtual ? "model" + chunk : "model");
      }
    }
  }

  private static boolean hasChunk(List<List<RankFile>> stages, int chunk) {
    return stages.get(0).get(0).content().containsKey("model" + chunk);
  }

  /** Layers are counted from the first of the chunk. */
  private void readChunk(List<RankFile> ranks, String key) throws IOException {
    TreeSet<Integer> layers = new TreeSet<>();
    for (RankFile rank : ranks) {
      if (!(rank.content().get(key) instanceof Map<?, ?> state)) {
        throw new UserException(
            "%s: a rank has no %s, so the files do not belong together."
                .formatted(folder.folder(), key));
      }
      rank.chunks().add(new ArrayList<>());
      for (Map.Entry<?, ?> entry : state.entrySet()) {
        add(rank, String.valueOf(entry.getKey()), entry.getValue(), layers);
      }
    }
    numLayers += layers.isEmpty() ? 0 : layers.last() + 1;
  }

  private void add(RankFile rank, String stored, @Nullable Object value, TreeSet<Integer> layers)
      throws IOException {
    String name = stored.startsWith("module.") ? stored.substring("module.".length()) : stored;
    if (name.startsWith("language_model.")) {
      throw new UserException(
          "%s: it is of Megatron's legacy models (expected: of Megatron Core). Convert it with Megatron's own tools first."
              .formatted(folder.folder()));
    }
    if (!(value instanceof TorchTensor tensor) || isNoWeight(name)) {
      return;
    }
    Matcher layer = LAYER.matcher(name);
    String global = name;
    if (layer.matches()) {
      int local = Integer.parseInt(layer.group(1));
      layers.add(local);
      global = "decoder.layers.%d.%s".formatted(numLayers + local, layer.group(2));
    }
    rank.chunks()
        .get(rank.chunks().size() - 1)
        .add(new Parameter(global, tensor.sizes(), tensor.type().element()));
    weights
        .computeIfAbsent(global, unused -> new ArrayList<>())
        .add(folder.weight(rank.archive(), tensor));
  }

  /**
   * Returns whether a name is TransformerEngine's FP8 state, or data that follows from the
   * arguments.
   */
  static boolean isNoWeight(String name) {
    return name.contains("_extra_state") || name.endsWith("rotary_pos_emb.inv_freq");
  }
}
