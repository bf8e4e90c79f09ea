package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.CheckpointFolders;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig;
import java.io.Closeable;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An open checkpoint of Megatron-LM: its arguments, and its weights by Megatron's names, still in
 * their files. The format is torch ({@code mp_rank_00/model_optim_rng.pt}) or torch_dist ({@code
 * .metadata}, {@code __0_0.distcp}).
 */
public final class MegatronFolder implements Closeable {
  private static final long FIRST_ITERATION = 1;
  private static final double VERSION = 3.0;

  /** Arguments that change what is computed from the same weights. */
  private static final List<String> OTHER_MODELS =
      List.of("window_size", "mtp_num_layers", "num_experts", "softmax_scale");

  private final Path folder;
  private final List<FileChannel> channels = new ArrayList<>();
  private final Set<ArchiveEntry> ofWeights = new LinkedHashSet<>();
  private final Set<ArchiveEntry> ofStates = new LinkedHashSet<>();
  private Map<String, @Nullable Object> arguments = Map.of();
  private Map<String, List<Matrix>> weights = Map.of();
  private Map<String, Map<String, List<Matrix>>> optimizer = Map.of();
  private Map<String, Object> schedule = Map.of();
  private String whyNoOptimizer = "";
  private final boolean wantsOptimizer;
  private long iteration;
  private long updates;

  private MegatronFolder(Path folder, boolean wantsOptimizer) {
    this.folder = folder;
    this.wantsOptimizer = wantsOptimizer;
  }

  /**
   * Finds and opens a checkpoint.
   *
   * @param folder the folder of Megatron's --save, or one checkpoint of it
   * @param iteration null for the latest
   * @param withOptimizer whether to read the optimizer's state too
   * @throws UserException if there is none, or it is damaged
   */
  public static MegatronFolder open(Path folder, @Nullable Integer iteration, boolean withOptimizer)
      throws IOException {
    MegatronFolder opened = new MegatronFolder(find(folder, iteration), withOptimizer);
    try {
      if (Files.exists(opened.folder.resolve(TorchDist.METADATA))) {
        new TorchDist(opened).read();
      } else {
        new TorchRanks(opened).read();
      }
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
    return opened;
  }

  /** Returns whether a folder looks like one checkpoint of Megatron. */
  static boolean isCheckpoint(Path folder) throws IOException {
    return Files.exists(folder.resolve(TorchDist.METADATA)) || !TorchRanks.find(folder).isEmpty();
  }

  private static Path find(Path folder, @Nullable Integer iteration) throws IOException {
    if (iteration == null && isCheckpoint(folder)) {
      return folder;
    }
    String name =
        iteration == null
            ? CheckpointFolders.latest(folder).orElseThrow(() -> missing(folder))
            : CheckpointFolders.nameOf(iteration);
    Path whole = folder.resolve(name);
    if (!isCheckpoint(whole)) {
      throw missing(whole);
    }
    return whole;
  }

  private static UserException missing(Path folder) {
    return new UserException(
        "%s: there is no checkpoint of Megatron (expected: latest_checkpointed_iteration.txt and folders like iter_0000100, with mp_rank_00 or .metadata in them). Check --load-dir and --ckpt-step."
            .formatted(folder));
  }

  /** Opens one of its files, which stays open until this folder is closed. */
  FileSlice file(String name) throws IOException {
    Path path = folder.resolve(name);
    if (!Files.isRegularFile(path)) {
      throw new UserException(
          path + ": there is no such file, so the checkpoint is not whole. Copy it again.");
    }
    FileChannel channel = FileChannel.open(path);
    channels.add(channel);
    return new FileSlice(path.toString(), channel, 0, channel.size());
  }

  /** Returns a weight, whose bytes {@link #verify} checks. */
  Matrix weight(TorchArchive archive, TorchTensor tensor) {
    ofWeights.add(archive.data(tensor));
    return archive.matrix(tensor);
  }

  /** Returns a state of the optimizer, whose bytes {@link #verify} checks. */
  Matrix state(TorchArchive archive, TorchTensor tensor) {
    ofStates.add(archive.data(tensor));
    return archive.matrix(tensor);
  }

  /** Returns the parts of its files that have tensors of a kind. */
  List<ArchiveEntry> checks(StateKind kind) {
    return switch (kind) {
      case MODEL -> List.copyOf(ofWeights);
      case OPTIMIZER -> List.copyOf(ofStates);
      case FP8 -> List.of();
    };
  }

  /**
   * Compares the checksums of all tensors.
   *
   * @throws UserException if a byte has changed since they were written
   */
  public void verify() throws IOException {
    for (StateKind kind : StateKind.values()) {
      for (ArchiveEntry entry : checks(kind)) {
        entry.verify();
      }
    }
  }

  /**
   * Stores the result of a format's reader.
   *
   * @param common content of every rank's file: arguments and iteration
   * @param found for each of Megatron's names, with layers counted from the first, the parts of the
   *     tensor parallel ranks
   * @param states the same for each state of the optimizer
   * @param whyNoStates the reason if there are none
   */
  void take(
      Map<?, ?> common,
      Map<String, List<Matrix>> found,
      Map<String, Map<String, List<Matrix>>> states,
      String whyNoStates) {
    if (!(common.get("args") instanceof PickledObject args)) {
      throw new UserException(
          folder + ": it has no args, so its shape is unknown. Take a checkpoint of Megatron-LM.");
    }
    arguments = arguments(args);
    refuseOtherModels(common);
    iteration = common.get("iteration") instanceof Long done && done > 0 ? done : FIRST_ITERATION;
    weights = found;
    optimizer = states;
    whyNoOptimizer = whyNoStates;
    updates = TorchOptimizer.numUpdates(common.get("optimizer"), iteration);
    schedule = settings(common.get("opt_param_scheduler"));
  }

  private static Map<String, Object> settings(@Nullable Object saved) {
    Map<String, Object> settings = new LinkedHashMap<>();
    if (saved instanceof Map<?, ?> map) {
      map.forEach(
          (name, value) -> {
            if (value instanceof Number || value instanceof String) {
              settings.put(String.valueOf(name), value);
            }
          });
    }
    return settings;
  }

  /** Returns whether the optimizer's state is read. */
  boolean wantsOptimizer() {
    return wantsOptimizer;
  }

  /**
   * Requires the optimizer's state, unless none was saved.
   *
   * @throws UserException if there is one that cannot be read
   */
  public void requireOptimizer() {
    if (wantsOptimizer && optimizer.isEmpty() && !whyNoOptimizer.equals(TorchOptimizer.NONE)) {
      throw new UserException(
          "%s: %s. Add --no-load-optim to take the weights only."
              .formatted(folder, whyNoOptimizer));
    }
  }

  /** Returns why there is no state of the optimizer, if there is none. */
  public String whyNoOptimizer() {
    return whyNoOptimizer;
  }

  /** Rejects settings that the weights do not reveal, which would silently change the results. */
  private void refuseOtherModels(Map<?, ?> common) {
    if (common.get("checkpoint_version") instanceof Double version && version < VERSION) {
      throw new UserException(
          "%s: its checkpoint_version is %s (expected: %s or later, since earlier ones order queries, keys and values otherwise). Load and save it with Megatron-LM first."
              .formatted(folder, version, VERSION));
    }
    for (String name : OTHER_MODELS) {
      if (arguments.get(name) != null) {
        throw new UserException(
            "%s: its argument %s is %s (expected: None, since this program's models have none)."
                .formatted(folder, name, arguments.get(name)));
      }
    }
  }

  /** Returns the settings: numbers, texts, booleans and lists of them. */
  static Map<String, @Nullable Object> arguments(PickledObject args) {
    Map<String, @Nullable Object> kept = new LinkedHashMap<>();
    args.attributes()
        .forEach(
            (name, value) -> {
              if (isSetting(value)) {
                kept.put(String.valueOf(name), value);
              }
            });
    return kept;
  }

  private static boolean isSetting(@Nullable Object value) {
    return value instanceof String
        || value instanceof Boolean
        || value instanceof Long
        || value instanceof Double
        || (value instanceof List<?> list
            && list.stream().allMatch(each -> each instanceof String || each instanceof Number));
  }

  /** Returns the folder of this one checkpoint. */
  public Path folder() {
    return folder;
  }

  /** Returns the number of iterations done; 1 for a release. */
  public long iteration() {
    return iteration;
  }

  /** Returns the run's arguments under Megatron's names. */
  public Map<String, @Nullable Object> arguments() {
    return arguments;
  }

  /** Returns an argument that counts something; 0 if it is absent. */
  public long count(String argument) {
    return arguments.get(argument) instanceof Long number ? number : 0;
  }

  /** Returns the number of vocabulary rows, padding included. */
  public int vocabularyRows() {
    return Math.toIntExact(
        weights.getOrDefault(ModelWeights.EMBEDDING, List.of()).stream()
            .mapToLong(Matrix::rows)
            .sum());
  }

  /** Returns the model's tensors under this program's names. */
  public List<ShardedTensor> tensors(ModelConfig model) {
    return new ModelWeights(folder.toString(), PackedShape.of(model, arguments), weights).tensors();
  }

  /**
   * Returns the optimizer's state under this program's names, {@code exp_avg.embedding.weight}:
   * both moments, and the weights in fp32 if the model's own are not. Empty if there is none.
   *
   * @throws UserException if its weights are not those of the model
   */
  public List<ShardedTensor> optimizerTensors(ModelConfig model) throws IOException {
    PackedShape shape = PackedShape.of(model, arguments);
    boolean inFp32 =
        weights.getOrDefault(ModelWeights.EMBEDDING, List.of()).stream()
            .allMatch(part -> part.type() == ElementType.F32);
    List<ShardedTensor> tensors = new ArrayList<>();
    for (Map.Entry<String, Map<String, List<Matrix>>> each : optimizer.entrySet()) {
      boolean isWeight = each.getKey().equals(TorchOptimizer.MASTER);
      List<ShardedTensor> states =
          new ModelWeights(folder.toString(), isWeight ? shape : shape.ofStates(), each.getValue())
              .tensors();
      if (isWeight && !Boolean.TRUE.equals(arguments.get("fp8_param_gather"))) {
        requireSameWeights(states, tensors(model));
      }
      if (!isWeight || !inFp32) {
        states.forEach(tensor -> tensors.add(tensor.renamed(each.getKey() + "." + tensor.name())));
      }
    }
    return tensors;
  }

  private void requireSameWeights(List<ShardedTensor> states, List<ShardedTensor> weights)
      throws IOException {
    try {
      MainWeights.requireEqual(folder, states, weights);
    } catch (UserException e) {
      verify(); // damage explains it
      throw e;
    }
  }

  /** Returns the state of the run that saved it. Every row of the vocabulary counts as an id. */
  public TrainState state() {
    return new TrainState(
        iteration,
        count("consumed_train_samples"),
        count("consumed_valid_samples"),
        vocabularyRows(),
        updates == 0 ? Map.of() : Map.of("step", updates),
        schedule,
        arguments);
  }

  @Override
  public void close() throws IOException {
    for (FileChannel channel : channels) {
      channel.close();
    }
  }
}
