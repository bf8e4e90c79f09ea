package io.tanuki4j.megatron;

import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Embeddings;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Positions;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The sizes by which Megatron packs a model's weights.
 *
 * @param layers what they are made of
 * @param normsLessOne whether the weights of norms are stored less 1 ({@code --apply-layernorm-1p})
 * @param pairedRows rows at the begin of each head whose neighbours rotate together ({@code
 *     --rotary-interleaved}); 0 if they are half of them apart, as here
 */
record PackedShape(
    int numLayers,
    Attention attention,
    Layers layers,
    Embeddings embeddings,
    boolean normsLessOne,
    int pairedRows) {
  static PackedShape of(ModelConfig model, Map<String, ? extends @Nullable Object> arguments) {
    boolean paired =
        Boolean.TRUE.equals(arguments.get("rotary_interleaved"))
            && model.embeddings().positions() == Positions.ROPE;
    return new PackedShape(
        model.sizes().numLayers(),
        model.attention(),
        model.layers(),
        model.embeddings(),
        Boolean.TRUE.equals(arguments.get("apply_layernorm_1p")),
        paired ? model.rotatedDim() : 0);
  }

  /** Returns the same sizes for what is stored of norms as it is: moments. */
  PackedShape ofStates() {
    return new PackedShape(numLayers, attention, layers, embeddings, false, pairedRows);
  }

  /** Returns queries or keys of this program, as Megatron orders the rows of each head. */
  Matrix paired(Matrix heads) {
    return pairedRows == 0 ? heads : new HeadRows(heads, headDim(), pairedRows, /* paired= */ true);
  }

  /** Returns queries or keys of Megatron, as this program orders the rows of each head. */
  Matrix halved(Matrix heads) {
    return pairedRows == 0
        ? heads
        : new HeadRows(heads, headDim(), pairedRows, /* paired= */ false);
  }

  int numQueryGroups() {
    return attention.numQueryGroups();
  }

  int headDim() {
    return attention.headDim();
  }

  /** Returns the number of rows of queries, keys and values that belong to one query group. */
  long groupRows() {
    return queryRows() + 2L * headDim();
  }

  long queryRows() {
    return (long) (attention.numHeads() / numQueryGroups()) * headDim();
  }
}
