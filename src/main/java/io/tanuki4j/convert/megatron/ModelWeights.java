package io.tanuki4j.convert.megatron;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.stream.LongStream;

/**
 * Splits Megatron's weights into tensors of this program. Megatron packs queries, keys and values
 * of each query group into one matrix, gate and up into another. Each is cut for the tensor
 * parallel ranks.
 */
final class ModelWeights {
  static final String EMBEDDING = "embedding.word_embeddings.weight";
  static final String OUTPUT = "output_layer.weight";
  private static final String FINAL_NORM = "decoder.final_layernorm.weight";
  private static final int MAX_NAMED = 5;

  private final String source;
  private final PackedShape shape;
  private final Map<String, List<Matrix>> left;
  private final List<ShardedTensor> tensors = new ArrayList<>();

  /**
   * Takes the weights of one model.
   *
   * @param weights by Megatron's names, each with the parts of the tensor parallel ranks
   */
  ModelWeights(String source, PackedShape shape, Map<String, List<Matrix>> weights) {
    this.source = source;
    this.shape = shape;
    this.left = new LinkedHashMap<>(weights);
  }

  List<ShardedTensor> tensors() {
    try {
      takeAll();
    } catch (UserException e) {
      throw String.valueOf(e.getMessage()).startsWith(source)
          ? e
          : new UserException(source + ": " + e.getMessage(), e);
    }
    refuseOthers();
    return tensors;
  }

  private void takeAll() {
    add("embedding.weight", Matrix.below(take(EMBEDDING)), false);
    for (int layer = 0; layer < shape.numLayers(); layer++) {
      takeLayer("decoder.layers.%d.".formatted(layer), "layers.%d.".formatted(layer));
    }
    add("final_norm.weight", take(FINAL_NORM).get(0), true);
    if (shape.tied()) {
      left.remove(OUTPUT); // the last stage's copy of the embedding
    } else {
      add("output.weight", Matrix.below(take(OUTPUT)), false);
    }
  }

  private void takeLayer(String theirs, String ours) {
    String attention = theirs + "self_attention.";
    String mlp = theirs + "mlp.";
    List<Matrix> norm =
        take(attention + "linear_qkv.layer_norm_weight", theirs + "input_layernorm.weight");
    add(ours + "attention.norm.weight", norm.get(0), true);
    takeQueriesKeysValues(attention + "linear_qkv.weight", ours + "attention.");
    add(
        ours + "attention.proj.weight",
        Matrix.beside(take(attention + "linear_proj.weight")),
        false);
    norm = take(mlp + "linear_fc1.layer_norm_weight", theirs + "pre_mlp_layernorm.weight");
    add(ours + "mlp.norm.weight", norm.get(0), true);
    List<Matrix> packed = take(mlp + "linear_fc1.weight");
    add(ours + "mlp.gate.weight", part(packed, each -> each.rows(0, each.rows() / 2)), false);
    add(
        ours + "mlp.up.weight",
        part(packed, each -> each.rows(each.rows() / 2, each.rows())),
        false);
    add(ours + "mlp.down.weight", Matrix.beside(take(mlp + "linear_fc2.weight")), false);
  }

  private static Matrix part(List<Matrix> packed, Function<Matrix, Matrix> part) {
    return Matrix.below(packed.stream().map(part).toList());
  }

  private void takeQueriesKeysValues(String theirs, String ours) {
    List<Matrix> packed = take(theirs);
    long rows = packed.stream().mapToLong(Matrix::rows).sum();
    long expected = shape.numQueryGroups() * shape.groupRows();
    if (rows != expected || packed.get(0).rows() % shape.groupRows() != 0) {
      throw new UserException(
          "%s: %s has %d rows in %d parts (expected by its args: %d, query groups of %d)."
              .formatted(source, theirs, rows, packed.size(), expected, shape.groupRows()));
    }
    long keys = shape.queryRows();
    long values = keys + shape.headDim();
    add(ours + "q.weight", ofGroups(packed, 0, keys), false);
    add(ours + "k.weight", ofGroups(packed, keys, values), false);
    add(ours + "v.weight", ofGroups(packed, values, shape.groupRows()), false);
  }

  /** Returns rows of each query group, one group below the other. */
  private Matrix ofGroups(List<Matrix> packed, long begin, long end) {
    List<Matrix> rows = new ArrayList<>();
    for (Matrix part : packed) {
      LongStream.range(0, part.rows() / shape.groupRows())
          .map(group -> group * shape.groupRows())
          .forEach(first -> rows.add(part.rows(first + begin, first + end)));
    }
    return Matrix.below(rows);
  }

  /** Takes the weight with the first of these names that exists. */
  private List<Matrix> take(String... names) {
    for (String name : names) {
      List<Matrix> parts = left.remove(name);
      if (parts != null) {
        return parts;
      }
    }
    throw new UserException(
        "%s: it lacks %s, so it is damaged or no Llama.".formatted(source, names[0]));
  }

  private void add(String name, Matrix matrix, boolean isVector) {
    switch (matrix.type()) {
      case F64, F32, BF16, F16 -> {}
      default ->
          throw new UserException(
              "%s: %s is of type %s (expected: floating point of 16 bits or more)."
                  .formatted(source, name, matrix.type()));
    }
    Shape whole = isVector ? Shape.of(matrix.rows()) : Shape.of(matrix.rows(), matrix.columns());
    tensors.add(ShardedTensor.whole(name, matrix.type(), whole, matrix::read));
  }

  private void refuseOthers() {
    if (left.isEmpty()) {
      return;
    }
    List<String> names = List.copyOf(new TreeSet<>(left.keySet()));
    String more =
        names.size() > MAX_NAMED ? " and %d more".formatted(names.size() - MAX_NAMED) : "";
    throw new UserException(
        "%s: it has %s%s, which a Llama of %d layers has not (expected: no biases, no experts, no norms of queries and keys)."
            .formatted(
                source,
                String.join(", ", names.subList(0, Math.min(MAX_NAMED, names.size()))),
                more,
                shape.numLayers()));
  }
}
