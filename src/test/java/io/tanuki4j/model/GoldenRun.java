package io.tanuki4j.model;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.TensorEntry;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.nn.ParameterSpec;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Files of a reference run: initial weights, corpora, expected.json, and in first_batch.txt the
 * samples of its first iteration, one a line. The corpora were sampled by Megatron-LM, the model
 * was trained by PyTorch in fp64.
 */
record GoldenRun(Path folder) {
  private static final double Z_LOSS = 1e-4;

  /** What Hugging Face's Llama calls the tensors of a layer. */
  private static final Map<String, String> LAYER_NAMES =
      Map.of(
          "attention.norm.weight", "input_layernorm.weight",
          "attention.q.weight", "self_attn.q_proj.weight",
          "attention.k.weight", "self_attn.k_proj.weight",
          "attention.v.weight", "self_attn.v_proj.weight",
          "attention.proj.weight", "self_attn.o_proj.weight",
          "mlp.norm.weight", "post_attention_layernorm.weight",
          "mlp.gate.weight", "mlp.gate_proj.weight",
          "mlp.up.weight", "mlp.up_proj.weight",
          "mlp.down.weight", "mlp.down_proj.weight");

  private static final Map<String, String> OTHER_NAMES =
      Map.of(
          "embedding.weight", "model.embed_tokens.weight",
          "final_norm.weight", "model.norm.weight",
          "output.weight", "lm_head.weight");

  static GoldenRun of(String name) {
    return new GoldenRun(Path.of("src", "test", "resources", "golden", name));
  }

  ModelConfig config() throws IOException {
    JsonObject config = expected().getAsJsonObject("config");
    int hidden = config.get("hidden").getAsInt();
    int heads = config.get("heads").getAsInt();
    int seqLength = config.get("seq").getAsInt();
    return new ModelConfig(
        config.get("layers").getAsInt(),
        hidden,
        config.get("ffn").getAsInt(),
        heads,
        config.get("kv").getAsInt(),
        hidden / heads,
        config.get("vocab").getAsInt(),
        seqLength,
        seqLength,
        config.get("theta").getAsDouble(),
        1,
        1,
        null,
        config.get("eps").getAsDouble(),
        config.get("tied").getAsBoolean(),
        config.get("std").getAsDouble(),
        config.get("zloss").getAsBoolean() ? Z_LOSS : 0,
        Recompute.NONE);
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

  SafetensorsReader weights() throws IOException {
    return SafetensorsReader.open(folder.resolve("hf").resolve("model.safetensors"));
  }

  SafetensorsReader firstGradients() throws IOException {
    return SafetensorsReader.open(folder.resolve("first_step_grads.safetensors"));
  }

  /** A packed parameter's numbers, slice after slice. */
  static double[] read(SafetensorsReader file, ParameterSpec spec) throws IOException {
    double[] values = new double[Math.toIntExact(spec.shape().numElements())];
    int filled = 0;
    for (ParameterSpec.Slice slice : spec.slices()) {
      double[] part = read(file, slice.name());
      System.arraycopy(part, 0, values, filled, part.length);
      filled += part.length;
    }
    return values;
  }

  private static double[] read(SafetensorsReader file, String sliceName) throws IOException {
    TensorEntry tensor = file.tensor(huggingFaceName(sliceName));
    ByteBuffer bytes = ByteBuffer.allocate(Math.toIntExact(tensor.numBytes()));
    file.read(tensor, 0, bytes);
    bytes.flip().order(ByteOrder.LITTLE_ENDIAN);
    double[] values = new double[bytes.remaining() / Float.BYTES];
    Arrays.setAll(values, i -> bytes.getFloat());
    return values;
  }

  private static String huggingFaceName(String sliceName) {
    String other = OTHER_NAMES.get(sliceName);
    if (other != null) {
      return other;
    }
    String[] parts = sliceName.split("\\.", 3);
    return "model.layers." + parts[1] + "." + LAYER_NAMES.get(parts[2]);
  }

  private JsonObject expected() throws IOException {
    return JsonParser.parseString(Files.readString(folder.resolve("expected.json")))
        .getAsJsonObject();
  }
}
