package io.tanuki4j.checkpoint;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.ToNumberPolicy;
import io.tanuki4j.checkpoint.Manifest.Piece;
import io.tanuki4j.checkpoint.Manifest.ShardFile;
import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.safetensors.ElementType;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * {@code manifest.json}: JSON whose first line holds the checksum of all lines after it, so that a
 * flipped bit in an iteration or a learning rate is found like one in a weight.
 */
final class ManifestFile {
  static final String NAME = "manifest.json";

  private static final String FORMAT = "tanuki4j-checkpoint";
  private static final int VERSION = 1;
  private static final Pattern FIRST_LINE = Pattern.compile("\\{ \"crc32c\": \"([0-9a-f]{8})\",\n");
  private static final Gson GSON =
      new GsonBuilder()
          .setObjectToNumberStrategy(ToNumberPolicy.LONG_OR_DOUBLE)
          .serializeNulls()
          .setPrettyPrinting()
          .disableHtmlEscaping()
          .create();

  private ManifestFile() {}

  static void write(Path folder, Manifest manifest) throws IOException {
    String json = GSON.toJson(Document.of(manifest));
    String body = json.substring(json.indexOf('\n') + 1) + "\n";
    String first = "{ \"crc32c\": \"%s\",\n".formatted(hex(crc32c(body)));
    NewFile.write(folder.resolve(NAME), (first + body).getBytes(StandardCharsets.UTF_8));
  }

  /**
   * @throws IllegalArgumentException if it is damaged or of a newer version
   */
  static Manifest read(Path folder) throws IOException {
    Path file = folder.resolve(NAME);
    String text = new String(Files.readAllBytes(file), StandardCharsets.UTF_8);
    try {
      checkVersion(file, JsonParser.parseString(text).getAsJsonObject());
      Matcher first = FIRST_LINE.matcher(text);
      if (!first.lookingAt() || !first.group(1).equals(hex(crc32c(text.substring(first.end()))))) {
        throw damaged(file, "its checksum is wrong: it was changed after it was written");
      }
      Manifest manifest = GSON.fromJson(text, Document.class).toManifest();
      manifest.checkCover();
      return manifest;
    } catch (JsonParseException | IllegalStateException e) {
      IllegalArgumentException problem = damaged(file, "it is no manifest of a checkpoint");
      problem.initCause(e);
      throw problem;
    }
  }

  private static void checkVersion(Path file, JsonObject json) {
    if (!new JsonPrimitive(FORMAT).equals(json.get("format"))) {
      throw damaged(file, "it is no manifest of a checkpoint of this program");
    }
    String version = String.valueOf(json.get("version"));
    if (!version.equals(Integer.toString(VERSION))) {
      throw new IllegalArgumentException(
          "%s: version %s (expected: %d). Load it with the program that wrote it, or a newer one."
              .formatted(file, version, VERSION));
    }
  }

  private static IllegalArgumentException damaged(Path file, String reason) {
    return new IllegalArgumentException(
        file + ": " + reason + ". Load another iteration with --ckpt-step.");
  }

  private static long crc32c(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }

  private static String hex(long crc) {
    return "%08x".formatted(crc);
  }

  private record Document(
      String format,
      int version,
      TrainState state,
      List<FileJson> files,
      List<TensorJson> tensors) {

    static Document of(Manifest manifest) {
      return new Document(
          FORMAT,
          VERSION,
          manifest.state(),
          manifest.files().stream().map(FileJson::of).toList(),
          manifest.tensors().stream().map(TensorJson::of).toList());
    }

    Manifest toManifest() {
      return new Manifest(
          state,
          files.stream().map(FileJson::toFile).toList(),
          tensors.stream().map(TensorJson::toTensor).toList());
    }
  }

  private record FileJson(String name, Part part, long size, String crc32c) {
    static FileJson of(ShardFile file) {
      return new FileJson(file.name(), file.part(), file.size(), hex(file.crc32c()));
    }

    ShardFile toFile() {
      return new ShardFile(name, part, size, Long.parseLong(crc32c, 16));
    }
  }

  private record TensorJson(
      String name, Part part, ElementType dtype, long[] shape, List<Piece> pieces) {

    static TensorJson of(StoredTensor tensor) {
      return new TensorJson(
          tensor.name(), tensor.part(), tensor.type(), tensor.shape().toArray(), tensor.pieces());
    }

    StoredTensor toTensor() {
      return new StoredTensor(name, part, dtype, Shape.of(shape), List.copyOf(pieces));
    }
  }
}
