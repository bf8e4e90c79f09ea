package io.tanuki4j.checkpoint;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import com.google.gson.ToNumberPolicy;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * {@code manifest.json}: JSON whose first line holds the checksum of all lines after it, so that a
 * flipped bit in an iteration or a learning rate is detected like one in a weight.
 */
final class ManifestFile {
  static final String NAME = "manifest.json";

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
    String json = GSON.toJson(ManifestDocument.of(manifest));
    String body = json.substring(json.indexOf('\n') + 1) + "\n";
    String first = "{ \"crc32c\": \"%s\",\n".formatted(hex(crc32c(body)));
    NewFile.write(folder.resolve(NAME), (first + body).getBytes(StandardCharsets.UTF_8));
  }

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
    String text = new String(Files.readAllBytes(folder.resolve(NAME)), StandardCharsets.UTF_8);
    try {
      checkVersion(folder, JsonParser.parseString(text).getAsJsonObject());
      checkSum(text);
      Manifest manifest = manifest(GSON.fromJson(text, ManifestDocument.class));
      checkPlace(folder, manifest.state().iteration());
      return manifest;
    } catch (JsonParseException | IllegalStateException e) {
      throw new UnfitException("it is no manifest of a checkpoint", e);
    }
  }

  private static Manifest manifest(ManifestDocument document) throws UnfitException {
    try {
      return ManifestDocument.toManifest(document);
    } catch (IllegalArgumentException | ArithmeticException | UserException e) {
      throw new UnfitException(String.valueOf(e.getMessage()), e);
    }
  }

  private static void checkVersion(Path folder, JsonObject json) throws UnfitException {
    if (!new JsonPrimitive(ManifestDocument.FORMAT).equals(json.get("format"))) {
      throw new UnfitException("it is no manifest of a checkpoint of this program");
    }
    String version = String.valueOf(json.get("version"));
    if (!version.equals(Integer.toString(ManifestDocument.VERSION))) {
      throw new UserException(
          "%s: version %s (expected: %d). Load it with the program that wrote it, or a newer one."
              .formatted(folder.resolve(NAME), version, ManifestDocument.VERSION));
    }
  }

  private static void checkSum(String text) throws UnfitException {
    Matcher first = FIRST_LINE.matcher(text);
    if (!first.lookingAt() || !first.group(1).equals(hex(crc32c(text.substring(first.end()))))) {
      throw new UnfitException("its checksum is wrong: it was changed after it was written");
    }
  }

  private static void checkPlace(Path folder, long iteration) throws UnfitException {
    String name = SaveFolders.nameOf(folder);
    if (!name.equals(Tracker.RELEASE) && !name.equals(Tracker.folderName(iteration))) {
      throw new UnfitException(
          "its iteration is %d (expected: that of its folder, %s)".formatted(iteration, name));
    }
  }

  private static long crc32c(String text) {
    CRC32C crc = new CRC32C();
    crc.update(text.getBytes(StandardCharsets.UTF_8));
    return crc.getValue();
  }

  static String hex(long crc) {
    return "%08x".formatted(crc);
  }
}
