package io.tanuki4j.model;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.convert.huggingface.HfFolder;
import io.tanuki4j.model.ModelConfig.Activation;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.DropoutRates;
import io.tanuki4j.model.ModelConfig.Embeddings;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.Samples;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Files of a reference run: initial weights, corpora, expected.json, and in first_batch.txt the
 * samples of its first iteration, one a line. The corpora were sampled by Megatron-LM, the model
 * was trained by PyTorch in fp64.
 */
public record GoldenRun(Path folder) {
  private static final double Z_LOSS = 1e-4;

  public static GoldenRun of(String name) {
    return new GoldenRun(Path.of("src", "test", "resources", "golden", name));
  }

  public ModelConfig config() throws IOException {
    JsonObject config = expected().getAsJsonObject("config");
    int hidden = config.get("hidden").getAsInt();
    int heads = config.get("heads").getAsInt();
    int seqLength = config.get("seq").getAsInt();
    return new ModelConfig(
        new Sizes(
            config.get("layers").getAsInt(),
            hidden,
            config.get("ffn").getAsInt(),
            config.get("vocab").getAsInt(),
            seqLength,
            seqLength),
        new Attention(heads, config.get("kv").getAsInt(), hidden / heads),
        new Rotary(config.get("theta").getAsDouble(), 1, 1, null),
        new Layers(
            Norm.RMS_NORM,
            config.get("eps").getAsDouble(),
            isSet(config, "qknorm"),
            Activation.SWIGLU,
            isSet(config, "bias") ? Biases.QKV : Biases.NONE),
        Embeddings.llama(config.get("tied").getAsBoolean()),
        new Training(
            config.get("std").getAsDouble(),
            config.get("zloss").getAsBoolean() ? Z_LOSS : 0,
            Recompute.NONE,
            new Samples.Kinds(hasDocuments(), hasDocuments(), false),
            DropoutRates.NONE));
  }

  /** Whether the run had all of Megatron's flags for documents. */
  public boolean hasDocuments() throws IOException {
    JsonElement documents = expected().getAsJsonObject("config").get("docs");
    return documents != null && documents.getAsBoolean();
  }

  private static boolean isSet(JsonObject config, String key) {
    return config.has(key) && config.get(key).getAsBoolean();
  }

  /** What the run logged at its first iteration. */
  JsonObject firstIteration() throws IOException {
    return expected().getAsJsonArray("iterations").get(0).getAsJsonObject();
  }

  /** The {@code seqLength + 1} tokens of each sample of the first iteration. */
  List<int[]> firstBatch() throws IOException {
    return Files.readAllLines(folder.resolve("first_batch.txt")).stream()
        .map(line -> Arrays.stream(line.split(" ", -1)).mapToInt(Integer::parseInt).toArray())
        .toList();
  }

  /** The initial weights by the names of slices. */
  public Map<String, double[]> weights() throws IOException {
    return read(folder.resolve("hf"));
  }

  /**
   * The gradients of the first iteration, likewise.
   *
   * @param empty a folder for a copy in the form of a model
   */
  Map<String, double[]> firstGradients(Path empty) throws IOException {
    return read("first_step_grads.safetensors", empty);
  }

  /**
   * The weights after the last iteration, likewise.
   *
   * @param empty as for {@link #firstGradients}
   */
  public Map<String, double[]> finalWeights(Path empty) throws IOException {
    return read("final.safetensors", empty);
  }

  private Map<String, double[]> read(String name, Path empty) throws IOException {
    Files.copy(folder.resolve("hf/config.json"), empty.resolve("config.json"));
    Files.copy(folder.resolve(name), empty.resolve("model.safetensors"));
    return read(empty);
  }

  private static Map<String, double[]> read(Path huggingFaceFolder) throws IOException {
    Map<String, double[]> byName = new HashMap<>();
    try (HfFolder model = HfFolder.open(huggingFaceFolder)) {
      for (ShardedTensor tensor : model.tensors()) {
        ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(tensor.numBytes()));
        tensor.content().read(0, bytes.order(ByteOrder.LITTLE_ENDIAN));
        bytes.flip();
        double[] values = new double[bytes.remaining() / Float.BYTES];
        Arrays.setAll(values, i -> bytes.getFloat());
        byName.put(tensor.name(), values);
      }
    }
    return byName;
  }

  /** A packed parameter's numbers, slice after slice. */
  public static double[] of(ParameterSpec spec, Map<String, double[]> bySlice) {
    return spec.slices().stream()
        .flatMapToDouble(slice -> Arrays.stream(bySlice.get(slice.name())))
        .toArray();
  }

  /** What the run was told and what it logged. */
  public JsonObject expected() throws IOException {
    return JsonParser.parseString(Files.readString(folder.resolve("expected.json")))
        .getAsJsonObject();
  }
}
