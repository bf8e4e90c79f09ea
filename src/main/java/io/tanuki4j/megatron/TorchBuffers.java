package io.tanuki4j.megatron;

import io.tanuki4j.error.UserException;
import io.tanuki4j.megatron.OptimizerBuffers.BucketRule;
import io.tanuki4j.megatron.RankParameters.Parameter;
import io.tanuki4j.megatron.TorchRanks.RankFile;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads the distributed optimizer's state from the format torch: {@code distrib_optim.pt} of each
 * tensor and pipeline parallel rank, which has the buffers of all of its replicas.
 */
final class TorchBuffers {
  private static final String FILE = "distrib_optim.pt";
  private static final long BUCKET = 40_000_000;
  private static final long BUCKET_OF_RANK = 1_000_000;

  private final MegatronFolder folder;
  private final OptimizerBuffers buffers;

  TorchBuffers(MegatronFolder folder) {
    this.folder = folder;
    this.buffers = new OptimizerBuffers(folder.folder().toString());
  }

  /** Returns by kind and Megatron's name the parts of the tensor parallel ranks. */
  Map<String, Map<String, List<Matrix>>> states() {
    return buffers.states();
  }

  /** Adds what a rank of a stage has. */
  void add(RankFile file, int stage) throws IOException {
    TorchArchive archive = TorchArchive.open(folder.file(file.name() + "/" + FILE));
    if (!(archive.content() instanceof Map<?, ?> stored)) {
      throw noBuffer(file.parameters().size(), "the state of one optimizer");
    }
    Map<?, ?> arguments =
        file.content().get("args") instanceof PickledObject args ? args.attributes() : Map.of();
    long next = 0;
    for (int chunk = 0; chunk < file.chunks().size(); chunk++) {
      BucketRule rule = rule(arguments, stage, chunk, file.chunks().size());
      for (List<Parameter> parameters : RankParameters.buffers(List.of(file.chunks().get(chunk)))) {
        addBuffer(archive, stored.get(next++), parameters, rule);
      }
    }
    if (stored.get(next) != null) {
      throw noBuffer(next, "no more than %d".formatted(next));
    }
  }

  /** Buckets are closed early only in the first chunk of the first stage. */
  private static BucketRule rule(Map<?, ?> arguments, int stage, int chunk, int numChunks) {
    boolean cut = Boolean.TRUE.equals(arguments.get("overlap_grad_reduce"));
    long limit = 0;
    if (cut && stage == 0 && chunk == 0) {
      long replicas =
          count(arguments, "data_parallel_size") * count(arguments, "context_parallel_size");
      limit =
          arguments.get("ddp_bucket_size") instanceof Long size
              ? size
              : Math.max(BUCKET, BUCKET_OF_RANK * replicas);
    }
    long stages = count(arguments, "pipeline_model_parallel_size");
    boolean tied = Boolean.FALSE.equals(arguments.get("untie_embeddings_and_output_weights"));
    String alone = "";
    if (tied && stages > 1 && stage == 0 && chunk == 0) {
      alone = ModelWeights.EMBEDDING;
    } else if (tied && stages > 1 && stage == stages - 1 && chunk == numChunks - 1) {
      alone = ModelWeights.OUTPUT;
    }
    return new BucketRule(limit, alone);
  }

  private static long count(Map<?, ?> arguments, String name) {
    return arguments.get(name) instanceof Long number ? number : 1;
  }

  /** Adds a buffer; until February 2024, Megatron stored a list of its buckets. */
  private void addBuffer(
      TorchArchive archive, @Nullable Object stored, List<Parameter> parameters, BucketRule rule)
      throws IOException {
    Object only = stored instanceof Map<?, ?> map && map.size() == 1 ? first(map) : null;
    if (!(only instanceof Map<?, ?> states)) {
      throw noBuffer(parameters.size(), "one for each chunk of layers and type of weight");
    }
    Map<String, Matrix> joined = new LinkedHashMap<>();
    Map<String, List<Matrix>> buckets = new LinkedHashMap<>();
    for (String state : OptimizerBuffers.STATES) {
      Object value = states.get(state);
      if (value instanceof TorchTensor tensor) {
        joined.put(state, folder.state(archive, tensor));
      } else if (value instanceof List<?> list) {
        buckets.put(state, matrices(archive, list));
      }
    }
    if (joined.size() == OptimizerBuffers.STATES.size()) {
      buffers.addJoined(parameters, joined, rule);
    } else if (buckets.size() == OptimizerBuffers.STATES.size()) {
      buffers.add(parameters, buckets);
    } else {
      throw noBuffer(parameters.size(), "tensors " + String.join(", ", OptimizerBuffers.STATES));
    }
  }

  private static @Nullable Object first(Map<?, ?> map) {
    return map.values().iterator().next();
  }

  private List<Matrix> matrices(TorchArchive archive, List<?> tensors) {
    List<Matrix> matrices = new ArrayList<>();
    for (Object each : tensors) {
      if (each instanceof TorchTensor tensor) {
        matrices.add(folder.state(archive, tensor));
      }
    }
    return matrices;
  }

  private UserException noBuffer(long number, String expected) {
    return new UserException(
        "%s: a buffer of its %s for %d parameters is not there or of another form (expected: %s). Add --no-load-optim to take the weights only."
            .formatted(folder.folder(), FILE, number, expected));
  }
}
