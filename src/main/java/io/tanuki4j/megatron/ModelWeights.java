package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.Norm;
import io.tanuki4j.model.ModelConfig.Positions;
import io.tanuki4j.tensor.Shape;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;

/**
 * Splits Megatron's weights into tensors of this program. Megatron packs queries, keys and values
 * of each query group into one matrix, gate and up into another. Each is cut for the tensor
 * parallel ranks.
 */
final class ModelWeights {
  static final String EMBEDDING = "embedding.word_embeddings.weight";
  static final String POSITIONS = "embedding.position_embeddings.weight";
  static final String OUTPUT = "output_layer.weight";
  private static final String FINAL_NORM = "decoder.final_layernorm.";
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
    if (shape.embeddings().positions() == Positions.LEARNED_ABSOLUTE) {
      add("position_embedding.weight", take(POSITIONS).get(0), false);
    }
    for (int layer = 0; layer < shape.numLayers(); layer++) {
      takeLayer("decoder.layers.%d.".formatted(layer), "layers.%d.".formatted(layer));
    }
    takeNorm("final_norm", FINAL_NORM);
    if (shape.embeddings().tied()) {
      left.remove(OUTPUT); // the last stage's copy of the embedding
    } else {
      add("output.weight", Matrix.below(take(OUTPUT)), false);
    }
  }

  private void takeLayer(String theirs, String ours) {
    String attention = theirs + "self_attention.";
    String mlp = theirs + "mlp.";
    boolean all = shape.layers().biases() == Biases.ALL;
    takeNorm(
        ours + "attention.norm", attention + "linear_qkv.layer_norm_", theirs + "input_layernorm.");
    takeQueriesKeysValues(attention + "linear_qkv.", ours + "attention.", "weight");
    if (shape.layers().biases() != Biases.NONE) {
      takeQueriesKeysValues(attention + "linear_qkv.", ours + "attention.", "bias");
    }
    if (shape.layers().qkNorm()) {
      takeHeadNorm(ours + "attention.q_norm", attention + "q_layernorm.");
      takeHeadNorm(ours + "attention.k_norm", attention + "k_layernorm.");
    }
    takeOut(attention + "linear_proj.", ours + "attention.proj.", all);
    takeNorm(ours + "mlp.norm", mlp + "linear_fc1.layer_norm_", theirs + "pre_mlp_layernorm.");
    takeGateUp(mlp + "linear_fc1.", ours, "weight");
    if (all) {
      takeGateUp(mlp + "linear_fc1.", ours, "bias");
    }
    takeOut(mlp + "linear_fc2.", ours + "mlp.down.", all);
  }

  /**
   * Takes a norm.
   *
   * @param theirs beginnings of its names, of which one exists
   */
  private void takeNorm(String ours, String... theirs) {
    takeNorm(ours, UnaryOperator.identity(), theirs);
  }

  private void takeHeadNorm(String ours, String theirs) {
    takeNorm(ours, shape::halved, theirs);
  }

  private void takeNorm(String ours, UnaryOperator<Matrix> order, String... theirs) {
    Matrix weight = order.apply(take(followedBy("weight", theirs)).get(0));
    add(ours + ".weight", shape.normsLessOne() ? new Shifted(weight, 1) : weight, true);
    if (shape.layers().norm() == Norm.LAYER_NORM) {
      add(ours + ".bias", order.apply(take(followedBy("bias", theirs)).get(0)), true);
    }
  }

  private static String[] followedBy(String end, String... begins) {
    return Arrays.stream(begins).map(begin -> begin + end).toArray(String[]::new);
  }

  private void takeOut(String theirs, String ours, boolean withBias) {
    add(ours + "weight", Matrix.sideBySide(take(theirs + "weight")), false);
    if (withBias) {
      add(ours + "bias", take(theirs + "bias").get(0), true);
    }
  }

  private void takeGateUp(String theirs, String ours, String kind) {
    List<Matrix> packed = take(theirs + kind);
    boolean bias = kind.equals("bias");
    if (!shape.layers().activation().isGated()) {
      add(ours + "mlp.up." + kind, Matrix.below(packed), bias);
      return;
    }
    Matrix gate = part(packed, each -> each.rows(0, each.rows() / 2));
    Matrix up = part(packed, each -> each.rows(each.rows() / 2, each.rows()));
    add(ours + "mlp.gate." + kind, gate, bias);
    add(ours + "mlp.up." + kind, up, bias);
  }

  private static Matrix part(List<Matrix> packed, Function<Matrix, Matrix> part) {
    return Matrix.below(packed.stream().map(part).toList());
  }

  private void takeQueriesKeysValues(String theirs, String ours, String kind) {
    List<Matrix> packed = take(theirs + kind);
    boolean bias = kind.equals("bias");
    long rows = packed.stream().mapToLong(Matrix::rows).sum();
    long expected = shape.numQueryGroups() * shape.groupRows();
    if (rows != expected || packed.get(0).rows() % shape.groupRows() != 0) {
      throw new UserException(
          "%s: %s has %d rows in %d parts (expected by its args: %d, query groups of %d)."
              .formatted(source, theirs + kind, rows, packed.size(), expected, shape.groupRows()));
    }
    long keys = shape.queryRows();
    long values = keys + shape.headDim();
    add(ours + "q." + kind, shape.halved(ofGroups(packed, 0, keys)), bias);
    add(ours + "k." + kind, shape.halved(ofGroups(packed, keys, values)), bias);
    add(ours + "v." + kind, ofGroups(packed, values, shape.groupRows()), bias);
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
        "%s: it lacks %s, so it is damaged or another model than its args say."
            .formatted(source, names[0]));
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
        "%s: it has %s%s, which a model of its args and %d layers has not. It is damaged, or has experts or other layers that are not built."
            .formatted(
                source,
                String.join(", ", names.subList(0, Math.min(MAX_NAMED, names.size()))),
                more,
                shape.numLayers()));
  }
}
