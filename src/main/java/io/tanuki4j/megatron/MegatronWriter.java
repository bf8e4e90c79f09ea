package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.CheckpointFolders;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.disk.NewFile.Folders;
import io.tanuki4j.checkpoint.disk.NewFolder;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Writes a checkpoint that Megatron-LM loads, in the format torch: weights, arguments and the
 * iteration. It appears when it is complete.
 */
public final class MegatronWriter {
  private static final double CHECKPOINT_VERSION = 3.0;

  /**
   * The kind of checkpoint to write.
   *
   * @param transformerEngine whether norms have the names that TransformerEngine's fused layers
   *     have
   */
  public record Target(int tensorRanks, int pipelineStages, boolean transformerEngine) {}

  private final Path folder;
  private final ModelConfig model;
  private final Target target;

  /**
   * Prepares to write.
   *
   * @param folder for checkpoints
   */
  public MegatronWriter(Path folder, ModelConfig model, Target target) {
    this.folder = folder;
    this.model = model;
    this.target = target;
  }

  /**
   * Writes the checkpoint.
   *
   * @param tensors whole, under this program's names
   * @return its folder
   * @throws UserException if this iteration is there already
   */
  public Path write(TrainState state, List<ShardedTensor> tensors) throws IOException {
    Path whole = folder.resolve(CheckpointFolders.nameOf(state.iteration()));
    if (Files.exists(whole)) {
      throw new UserException(whole + ": it is there already. Give another --save-dir.");
    }
    NewFolder.write(whole, saving -> write(saving, state, tensors));
    try {
      CheckpointFolders.setLatest(folder, state.iteration());
    } catch (IOException e) {
      Folders.delete(whole);
      throw NewFolder.failure(whole, e);
    }
    return whole;
  }

  private void write(Path saving, TrainState state, List<ShardedTensor> tensors)
      throws IOException {
    for (int stage = 0; stage < target.pipelineStages(); stage++) {
      for (int rank = 0; rank < target.tensorRanks(); rank++) {
        Path file = Files.createDirectories(saving.resolve(name(stage, rank)));
        write(file.resolve(TorchRanks.FILE), state, tensors, stage, rank);
      }
    }
  }

  private String name(int stage, int rank) {
    return target.pipelineStages() == 1
        ? "mp_rank_%02d".formatted(rank)
        : "mp_rank_%02d_%03d".formatted(rank, stage);
  }

  private void write(Path file, TrainState state, List<ShardedTensor> tensors, int stage, int rank)
      throws IOException {
    try (TorchArchiveWriter archive = TorchArchiveWriter.create(file, "model_optim_rng")) {
      PackedShape shape = PackedShape.of(model, state.arguments());
      Map<String, @Nullable Object> weights = new LinkedHashMap<>();
      RankWeights.of(tensors, shape, target, stage, rank)
          .forEach(
              (name, matrix) ->
                  weights.put(name, matrix == null ? null : archive.add(matrix, isVector(name))));
      Map<String, @Nullable Object> content = new LinkedHashMap<>();
      content.put("args", new PickleWriter.Namespace(arguments(state)));
      content.put("checkpoint_version", CHECKPOINT_VERSION);
      content.put("iteration", state.iteration());
      content.put("model", weights);
      archive.publish(PickleWriter.write(content));
    }
  }

  private static boolean isVector(String name) {
    return name.contains("norm") || name.endsWith(".bias");
  }

  private Map<String, @Nullable Object> arguments(TrainState state) {
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>(state.arguments());
    arguments.put("tensor_model_parallel_size", target.tensorRanks());
    arguments.put("pipeline_model_parallel_size", target.pipelineStages());
    arguments.put("virtual_pipeline_model_parallel_size", null);
    arguments.put("num_layers_per_virtual_pipeline_stage", null);
    arguments.put("iteration", state.iteration());
    arguments.put("consumed_train_samples", state.consumedTrainSamples());
    arguments.put("consumed_valid_samples", state.consumedValidSamples());
    arguments.put("skipped_train_samples", 0);
    return arguments;
  }
}
