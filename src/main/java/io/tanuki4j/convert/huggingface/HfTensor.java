package io.tanuki4j.convert.huggingface;

import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * A tensor of a folder and its name in this program. Both store queries, keys, values, gate and up
 * separately, {@code [out, in]}, with rotary halves, so the bytes are the same.
 */
public record HfTensor(String theirs, String ours, Shape shape) {
  static final String HEAD = "lm_head.weight";
  static final String EMBEDDING = "model.embed_tokens.weight";

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
    if (!shape.embeddings().tied()) {
      tensors.add(new HfTensor(HEAD, "output.weight", vocabulary));
    }
    return tensors;
  }

  private static void addLayer(List<HfTensor> tensors, int index, ModelConfig shape) {
    long hidden = shape.sizes().hiddenSize();
    long ffn = shape.sizes().ffnHiddenSize();
    long queries = shape.attention().queryWidth();
    long keys = shape.attention().keyWidth();
    Shape head = Shape.of(shape.attention().headDim());
    boolean qkNorm = shape.layers().qkNorm();
    boolean all = shape.layers().biases() == Biases.ALL;
    boolean inside = shape.layers().biases() != Biases.NONE;
    Rows rows = new Rows(tensors, index);
    rows.add("input_layernorm", "attention.norm", Shape.of(hidden), false);
    rows.add("self_attn.q_proj", "attention.q", Shape.of(queries, hidden), inside);
    rows.add("self_attn.k_proj", "attention.k", Shape.of(keys, hidden), inside);
    rows.add("self_attn.v_proj", "attention.v", Shape.of(keys, hidden), inside);
    if (qkNorm) {
      rows.add("self_attn.q_norm", "attention.q_norm", head, false);
      rows.add("self_attn.k_norm", "attention.k_norm", head, false);
    }
    rows.add("self_attn.o_proj", "attention.proj", Shape.of(hidden, queries), all);
    rows.add("post_attention_layernorm", "mlp.norm", Shape.of(hidden), false);
    rows.add("mlp.gate_proj", "mlp.gate", Shape.of(ffn, hidden), all);
    rows.add("mlp.up_proj", "mlp.up", Shape.of(ffn, hidden), all);
    rows.add("mlp.down_proj", "mlp.down", Shape.of(hidden, ffn), all);
  }

  /** Adds the parameters of one layer. */
  private record Rows(List<HfTensor> tensors, int layer) {
    void add(String theirs, String ours, Shape weight, boolean withBias) {
      add(theirs, ours, "weight", weight);
      if (withBias) {
        add(theirs, ours, "bias", Shape.of(weight.dim(0)));
      }
    }

    private void add(String theirs, String ours, String kind, Shape shape) {
      tensors.add(
          new HfTensor(
              "model.layers.%d.%s.%s".formatted(layer, theirs, kind),
              "layers.%d.%s.%s".formatted(layer, ours, kind),
              shape));
    }
  }
}
