package io.tanuki4j.convert.huggingface;

import io.tanuki4j.checkpoint.FiniteValues;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * An open Llama folder: its configuration, and its tensors under the names of this program. Opening
 * it checks that every tensor exists with its shape, and that there are no others.
 */
public final class HfFolder implements Closeable {
  private static final int MAX_NAMED = 5;
  private static final int COMPARED_BYTES = 1 << 20;

  /** Derived from the configuration; old versions of transformers wrote them. */
  private static final String DERIVED = "rotary_emb.inv_freq";

  private final Path folder;
  private final HfModel model;
  private final WeightFiles weights;

  private HfFolder(Path folder, HfModel model, WeightFiles weights) {
    this.folder = folder;
    this.model = model;
    this.weights = weights;
  }

  /**
   * Opens a folder.
   *
   * @throws UserException if the folder is damaged or holds another model
   */
  public static HfFolder open(Path folder) throws IOException {
    if (!Files.isDirectory(folder)) {
      throw new UserException(folder + ": there is no such folder. Check the path.");
    }
    HfModel model = HfConfigReader.read(folder);
    HfFolder opened = new HfFolder(folder, model, WeightFiles.open(folder));
    try {
      opened.checkTensors();
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
    return opened;
  }

  public HfModel model() {
    return model;
  }

  /** Returns every tensor of the model, whole, in its stored type. */
  public List<ShardedTensor> tensors() {
    return HfTensor.of(model.shape()).stream().map(this::source).toList();
  }

  private ShardedTensor source(HfTensor tensor) {
    SafetensorsReader reader = weights.reader(tensor.theirs());
    TensorEntry entry = reader.tensor(tensor.theirs());
    long elementBytes = entry.type().numBytes(Shape.of(1));
    return ShardedTensor.whole(
        tensor.ours(),
        entry.type(),
        entry.shape(),
        (first, into) -> {
          int start = into.position();
          reader.read(entry, first * elementBytes, into);
          FiniteValues.require(folder, entry.name(), entry.type(), into, start);
        });
  }

  private void checkTensors() throws IOException {
    List<String> missing = new ArrayList<>();
    List<String> different = new ArrayList<>();
    Set<String> extra = weights.names();
    extra.removeIf(name -> name.endsWith(DERIVED));
    for (HfTensor tensor : HfTensor.of(model.shape())) {
      extra.remove(tensor.theirs());
      if (!weights.names().contains(tensor.theirs())) {
        missing.add(tensor.theirs());
        continue;
      }
      TensorEntry entry = weights.reader(tensor.theirs()).tensor(tensor.theirs());
      if (!entry.shape().equals(tensor.shape()) || !isFloat(entry.type())) {
        different.add(
            "%s as %s %s instead of %s"
                .formatted(tensor.theirs(), entry.type(), entry.shape(), tensor.shape()));
      }
    }
    if (model.shape().embeddings().tied() && extra.remove(HfTensor.HEAD)) {
      requireEqual(HfTensor.EMBEDDING, HfTensor.HEAD);
    }
    refuse("lacks", missing);
    refuse("has", different);
    refuse("has besides the model's tensors", List.copyOf(extra));
  }

  private void refuse(String what, List<String> names) {
    if (names.isEmpty()) {
      return;
    }
    List<String> named = names.subList(0, Math.min(MAX_NAMED, names.size()));
    String more =
        names.size() > MAX_NAMED ? " and %d more".formatted(names.size() - MAX_NAMED) : "";
    throw new UserException(
        "%s: it %s %s%s. It does not fit its config.json."
            .formatted(folder, what, String.join(", ", named), more));
  }

  private static boolean isFloat(ElementType type) {
    return switch (type) {
      case F64, F32, BF16, F16 -> true;
      default -> false;
    };
  }

  /**
   * Requires that a tied model's head equals its embedding, because transformers ignores the head.
   */
  private void requireEqual(String first, String second) throws IOException {
    TensorEntry a = weights.reader(first).tensor(first);
    TensorEntry b = weights.reader(second).tensor(second);
    boolean equal = a.type() == b.type() && a.shape().equals(b.shape());
    for (long from = 0; equal && from < a.numBytes(); from += COMPARED_BYTES) {
      int count = (int) Math.min(COMPARED_BYTES, a.numBytes() - from);
      ByteBuffer left = ByteBuffer.allocate(count);
      ByteBuffer right = ByteBuffer.allocate(count);
      weights.reader(first).read(a, from, left);
      weights.reader(second).read(b, from, right);
      equal = left.flip().equals(right.flip());
    }
    if (!equal) {
      throw new UserException(
          "%s: %s differs from %s, but tie_word_embeddings is true. Remove one of the two."
              .formatted(folder, second, first));
    }
  }

  @Override
  public void close() throws IOException {
    weights.close();
  }
}
