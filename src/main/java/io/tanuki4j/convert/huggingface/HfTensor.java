package io.tanuki4j.convert.huggingface;

import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A tensor of a Llama folder and its name in this program. Both store queries, keys, values, gate
 * and up separately, {@code [out, in]}, with half-split rotary, so the bytes are the same.
 */
public record HfTensor(String theirs, String ours, Shape shape) {
  static final String HEAD = "lm_head.weight";
  static final String EMBEDDING = "model.embed_tokens.weight";

  /** Returns the shapes of a model's tensors by this program's names. */
  public static Map<String, Shape> shapes(ModelConfig shape) {
    return of(shape).stream().collect(Collectors.toMap(HfTensor::ours, HfTensor::shape));
  }

  /** Returns every tensor of a model, in the order of the model. */
  static List<HfTensor> of(ModelConfig shape) {
    long hidden = shape.sizes().hiddenSize();
    Shape vocabulary = Shape.of(shape.sizes().vocabSize(), hidden);
    List<HfTensor> tensors = new ArrayList<>();
    tensors.add(new HfTensor(EMBEDDING, "embedding.weight", vocabulary));
    for (int i = 0; i < shape.sizes().numLayers(); i++) {
      addLayer(tensors, i, shape);
    }
    tensors.add(new HfTensor("model.norm.weight", "final_norm.weight", Shape.of(hidden)));
    if (!shape.layers().tiedEmbeddings()) {
      tensors.add(new HfTensor(HEAD, "output.weight", vocabulary));
    }
    return tensors;
  }

  private static void addLayer(List<HfTensor> tensors, int index, ModelConfig shape) {
    long hidden = shape.sizes().hiddenSize();
    long ffn = shape.sizes().ffnHiddenSize();
    long queries = (long) shape.attention().numHeads() * shape.attention().headDim();
    long keys = (long) shape.attention().numQueryGroups() * shape.attention().headDim();
    Object[][] layer = {
      {"input_layernorm", "attention.norm", Shape.of(hidden)},
      {"self_attn.q_proj", "attention.q", Shape.of(queries, hidden)},
      {"self_attn.k_proj", "attention.k", Shape.of(keys, hidden)},
      {"self_attn.v_proj", "attention.v", Shape.of(keys, hidden)},
      {"self_attn.o_proj", "attention.proj", Shape.of(hidden, queries)},
      {"post_attention_layernorm", "mlp.norm", Shape.of(hidden)},
      {"mlp.gate_proj", "mlp.gate", Shape.of(ffn, hidden)},
      {"mlp.up_proj", "mlp.up", Shape.of(ffn, hidden)},
      {"mlp.down_proj", "mlp.down", Shape.of(hidden, ffn)},
    };
    for (Object[] row : layer) {
      tensors.add(
          new HfTensor(
              "model.layers.%d.%s.weight".formatted(index, row[0]),
              "layers.%d.%s.weight".formatted(index, row[1]),
              (Shape) row[2]));
    }
  }
}
