package io.tanuki4j.checkpoint;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.ToNumberPolicy;
import io.tanuki4j.checkpoint.Manifest.Document;
import io.tanuki4j.checkpoint.Manifest.FileJson;
import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.Manifest.TensorJson;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Reads {@code manifest.json}, of which nothing is trusted until it is checked. */
final class ManifestReader {
  /** Names that stay in their folder on every file system. */
  private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,199}");

  private static final Pattern CRC = Pattern.compile("[0-9a-f]{8}");
  private static final Pattern FIRST_LINE = Pattern.compile("\\{ \"crc32c\": \"([0-9a-f]{8})\",\n");
  private static final int MAX_RANK = 2;
  private static final Gson GSON =
      new GsonBuilder().setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE).create();

  private ManifestReader() {}

  /** A file is not a manifest that this program can use. The message says why, as a clause. */
  static final class UnfitException extends Exception {
    private static final long serialVersionUID = 1;

    UnfitException(String reason) {
      super(reason);
    }

    UnfitException(String reason, Throwable cause) {
      super(reason, cause);
    }
  }

  /**
   * Reads the manifest of a checkpoint.
   *
   * @param folder of the iteration
   * @throws UnfitException if it is damaged or belongs to another folder
   * @throws UserException if its version is newer
   */
  static Manifest read(Path folder) throws IOException, UnfitException {
    String text =
        new String(Files.readAllBytes(folder.resolve(Manifest.NAME)), StandardCharsets.UTF_8);
    try {
      checkVersion(folder, JsonParser.parseString(text).getAsJsonObject());
      checkSum(text);
      Manifest manifest = manifest(GSON.fromJson(text, Document.class));
      checkPlace(folder, manifest.state().iteration());
      return manifest;
    } catch (JsonParseException | IllegalStateException e) {
      throw new UnfitException("it is no manifest of a checkpoint", e);
    }
  }

  private static Manifest manifest(Document document) throws UnfitException {
    try {
      return toManifest(document);
    } catch (IllegalArgumentException | ArithmeticException | UserException e) {
      throw new UnfitException(String.valueOf(e.getMessage()), e);
    }
  }

  private static void checkVersion(Path folder, JsonObject json) throws UnfitException {
    if (!new JsonPrimitive(Manifest.FORMAT).equals(json.get("format"))) {
      throw new UnfitException("it is no manifest of a checkpoint of this program");
    }
    String version = String.valueOf(json.get("version"));
    if (!version.equals(Integer.toString(Manifest.VERSION))) {
      throw new UserException(
          "%s: version %s (expected: %d). Load it with the program that wrote it, or a newer one."
              .formatted(folder.resolve(Manifest.NAME), version, Manifest.VERSION));
    }
  }

  private static void checkSum(String text) throws UnfitException {
    Matcher first = FIRST_LINE.matcher(text);
    if (!first.lookingAt()
        || !first.group(1).equals(Manifest.hex(Manifest.crc32c(text.substring(first.end()))))) {
      throw new UnfitException("its checksum is wrong: it was changed after it was written");
    }
  }

  private static void checkPlace(Path folder, long iteration) throws UnfitException {
    String name = CheckpointFolders.nameOf(folder);
    if (!name.equals(CheckpointFolders.RELEASE)
        && !name.equals(CheckpointFolders.nameOf(iteration))) {
      throw new UnfitException(
          "its iteration is %d (expected: that of its folder, %s)".formatted(iteration, name));
    }
  }

  /**
   * Returns the manifest, after checking that the document is complete and consistent.
   *
   * @throws UserException if not; the message is a clause about the file
   */
  private static Manifest toManifest(Document document) {
    TrainState state = checked(given(document.state(), "state"));
    List<ShardFile> files =
        given(document.files(), "files").stream().map(ManifestReader::toFile).toList();
    List<StoredTensor> tensors =
        given(document.tensors(), "tensors").stream().map(ManifestReader::toTensor).toList();
    checkNames(files, tensors);
    Manifest manifest = new Manifest(state, files, tensors);
    manifest.checkCover();
    return manifest;
  }

  private static TrainState checked(TrainState state) {
    require(state.iteration() > 0, "its iteration is %d (expected: 1 or more)", state.iteration());
    atLeastZero(state.consumedTrainSamples(), "consumedTrainSamples");
    atLeastZero(state.consumedValidSamples(), "consumedValidSamples");
    atLeastZero(state.vocabSize(), "vocabSize");
    given(state.optimizer(), "optimizer");
    given(state.schedule(), "schedule");
    given(state.arguments(), "arguments");
    return state;
  }

  private static ShardFile toFile(@Nullable FileJson json) {
    FileJson file = given(json, "a file");
    String name = given(file.name(), "a file's name");
    require(
        FILE_NAME.matcher(name).matches(),
        "it names the file %s (expected: a plain name in its own folder)",
        name);
    atLeastZero(file.size(), "the size of " + name);
    String crc = given(file.crc32c(), "the checksum of " + name);
    require(CRC.matcher(crc).matches(), "the checksum of %s is no checksum", name);
    return new ShardFile(
        name, given(file.part(), "the part of " + name), file.size(), Long.parseLong(crc, 16));
  }

  private static StoredTensor toTensor(@Nullable TensorJson json) {
    TensorJson tensor = given(json, "a tensor");
    String name = given(tensor.name(), "a tensor's name");
    Shape shape = shape(name, given(tensor.shape(), "the shape of " + name));
    List<Piece> pieces =
        given(tensor.pieces(), "the pieces of " + name).stream()
            .map(piece -> checked(name, piece, shape))
            .toList();
    return new StoredTensor(
        name,
        given(tensor.part(), "the part of " + name),
        given(tensor.dtype(), "the dtype of " + name),
        shape,
        pieces);
  }

  private static Shape shape(String name, long[] dims) {
    require(dims.length >= 1 && dims.length <= MAX_RANK, "tensor %s has not one or two dims", name);
    for (long dim : dims) {
      require(dim >= 0, "a dim of tensor %s is below 0", name);
    }
    return Shape.of(dims);
  }

  private static Piece checked(String tensor, @Nullable Piece json, Shape shape) {
    Piece piece = given(json, "a piece of " + tensor);
    given(piece.file(), "the file of a piece of " + tensor);
    Region region = given(piece.region(), "the region of a piece of " + tensor);
    Region whole = Region.whole(shape);
    require(
        isWithin(region.firstRow(), region.rows(), whole.rows())
            && isWithin(region.firstColumn(), region.columns(), whole.columns()),
        "a piece of tensor %s leaves its shape",
        tensor);
    return piece;
  }

  private static boolean isWithin(long first, long count, long all) {
    return first >= 0 && count >= 0 && count <= all && first <= all - count;
  }

  private static void checkNames(List<ShardFile> files, List<StoredTensor> tensors) {
    Map<String, StateKind> parts = new HashMap<>();
    for (ShardFile file : files) {
      StateKind before = parts.put(file.name(), file.kind());
      require(before == null, "it names the file %s twice", file.name());
    }
    Set<String> names = new HashSet<>();
    for (StoredTensor tensor : tensors) {
      require(names.add(tensor.name()), "it has tensor %s twice", tensor.name());
      for (Piece piece : tensor.pieces()) {
        require(
            parts.get(piece.file()) == tensor.kind(),
            "tensor %s is in a file that is none of its part's",
            tensor.name());
      }
    }
  }

  private static void atLeastZero(long value, String what) {
    require(value >= 0, "%s is below 0", what);
  }

  private static <T> T given(@Nullable T value, String what) {
    if (value == null) {
      throw new UserException("it lacks " + what);
    }
    return value;
  }

  private static void require(boolean holds, String sentence, Object... values) {
    if (!holds) {
      throw new UserException(sentence.formatted(values));
    }
  }
}
