package io.tanuki4j.checkpoint;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.RankPiece;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * The table of contents of a checkpoint: its state, its files and where each tensor is. It is
 * stored as {@code manifest.json}, whose first line holds the checksum of all lines after it, so
 * that a flipped bit in an iteration or a learning rate is detected like one in a weight. {@link
 * ManifestReader} reads it.
 */
public record Manifest(TrainState state, List<ShardFile> files, List<StoredTensor> tensors) {
  static final String NAME = "manifest.json";
  static final String FORMAT = "tanuki4j-checkpoint";
  static final int VERSION = 1;

  private static final Gson GSON =
      new GsonBuilder().serializeNulls().setPrettyPrinting().disableHtmlEscaping().create();

  /**
   * A file of tensors.
   *
   * @param size in bytes
   * @param crc32c of all bytes
   */
  public record ShardFile(String name, StateKind kind, long size, long crc32c) {}

  /**
   * A tensor of the checkpoint.
   *
   * @param pieces cover it without overlap
   */
  public record StoredTensor(
      String name, StateKind kind, ElementType type, Shape shape, List<Piece> pieces) {
    /** Returns the name of a piece in its file, with the rows and columns that it has. */
    public String entryName(Piece piece) {
      return piece.region().entryName(name, shape);
    }
  }

  /** A box of a tensor in a file. */
  public record Piece(String file, Region region) {}

  boolean has(StateKind kind) {
    return files.stream().anyMatch(file -> file.kind() == kind);
  }

  List<StoredTensor> tensors(StateKind kind) {
    return tensors.stream().filter(tensor -> tensor.kind() == kind).toList();
  }

  List<ShardFile> files(StateKind kind) {
    return files.stream().filter(file -> file.kind() == kind).toList();
  }

  /** Collects files and the pieces written into them. */
  static final class Builder {
    private final TrainState state;
    private final List<ShardFile> files = new ArrayList<>();
    private final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

    Builder(TrainState state) {
      this.state = state;
    }

    void add(ShardFile file) {
      files.add(file);
    }

    /**
     * Adds a piece.
     *
     * @param file that the piece was written into
     */
    void add(String file, RankPiece written) {
      tensors.merge(
          written.name(),
          new StoredTensor(
              written.name(),
              written.kind(),
              written.type(),
              written.globalShape(),
              List.of(new Piece(file, written.region()))),
          Builder::join);
    }

    Manifest build() {
      Manifest manifest = new Manifest(state, List.copyOf(files), List.copyOf(tensors.values()));
      manifest.checkCover();
      return manifest;
    }

    private static StoredTensor join(StoredTensor a, StoredTensor b) {
      if (a.kind() != b.kind() || a.type() != b.type() || !a.shape().equals(b.shape())) {
        throw new IllegalStateException("pieces of " + a.name() + " do not belong together");
      }
      List<Piece> pieces = new ArrayList<>(a.pieces());
      pieces.addAll(b.pieces());
      return new StoredTensor(a.name(), a.kind(), a.type(), a.shape(), List.copyOf(pieces));
    }
  }

  /**
   * Checks that the pieces cover the tensor.
   *
   * @throws UserException if pieces overlap, extend beyond the tensor or don't fill it
   */
  void checkCover() {
    for (StoredTensor tensor : tensors) {
      long sum = 0;
      for (int i = 0; i < tensor.pieces().size(); i++) {
        Region region = tensor.pieces().get(i).region();
        sum += region.numElements();
        boolean overlap =
            tensor.pieces().subList(0, i).stream().anyMatch(p -> p.region().overlaps(region));
        if (overlap || !Region.whole(tensor.shape()).contains(region)) {
          throw new UserException(
              "the pieces of tensor %s overlap or leave its shape %s"
                  .formatted(tensor.name(), tensor.shape()));
        }
      }
      if (sum != tensor.shape().numElements()) {
        throw new UserException(
            "the pieces of tensor %s have %d elements (expected for %s: %d)"
                .formatted(tensor.name(), sum, tensor.shape(), tensor.shape().numElements()));
      }
    }
  }

  /** Writes the file into the folder of the checkpoint. */
  void write(Path folder) throws IOException {
    String json = GSON.toJson(Document.of(this));
    String body = json.substring(json.indexOf('\n') + 1) + "\n";
    String first = "{ \"crc32c\": \"%s\",\n".formatted(hex(crc32c(body)));
    NewFile.write(folder.resolve(NAME), (first + body).getBytes(StandardCharsets.UTF_8));
  }

  static long crc32c(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }

  static String hex(long crc) {
    return "%08x".formatted(crc);
  }

  /** A manifest as its JSON states it: anything may be missing, and nothing is trusted yet. */
  record Document(
      @Nullable String format,
      int version,
      @Nullable TrainState state,
      @Nullable List<@Nullable FileJson> files,
      @Nullable List<@Nullable TensorJson> tensors) {
    static Document of(Manifest manifest) {
      return new Document(
          FORMAT,
          VERSION,
          manifest.state(),
          manifest.files().stream().map(Document::json).toList(),
          manifest.tensors().stream().map(Document::json).toList());
    }

    private static FileJson json(ShardFile file) {
      return new FileJson(file.name(), file.kind(), file.size(), hex(file.crc32c()));
    }

    private static TensorJson json(StoredTensor tensor) {
      return new TensorJson(
          tensor.name(), tensor.kind(), tensor.type(), tensor.shape().toArray(), tensor.pieces());
    }
  }

  record FileJson(
      @Nullable String name, @Nullable StateKind part, long size, @Nullable String crc32c) {}

  record TensorJson(
      @Nullable String name,
      @Nullable StateKind part,
      @Nullable ElementType dtype,
      long @Nullable [] shape,
      @Nullable List<@Nullable Piece> pieces) {}
}
