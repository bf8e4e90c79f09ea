package io.tanuki4j.metrics.wandb;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The folder of one part of a run, {@code wandb/[offline-]run-TIME-ID}, and the run's identity.
 * {@code wandb/wandb-resume.json} keeps the identity for the next part.
 *
 * @param log the file that {@code wandb sync} sends
 */
record RunFolder(String id, Path folder, Path log) {
  private static final String RESUME = "wandb-resume.json";
  private static final String CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789";
  private static final int ID_LENGTH = 8;
  private static final DateTimeFormatter TIME =
      DateTimeFormatter.ofPattern("yyyyMMdd_HHmmss", Locale.ROOT);

  /**
   * Creates the folder.
   *
   * @param goesOn whether the run continues that of an earlier folder, if there is one
   * @param isOnline whether the run is also sent to a server
   */
  static RunFolder create(
      Path parent, @Nullable String givenId, boolean goesOn, boolean isOnline, Clock clock)
      throws IOException {
    Path root = parent.resolve("wandb");
    Files.createDirectories(root);
    String known = goesOn ? knownId(root.resolve(RESUME)) : null;
    String id = givenId != null ? givenId : known != null ? known : newId();
    Files.writeString(root.resolve(RESUME), new Gson().toJson(Map.of("run_id", id)));
    String time = TIME.format(LocalDateTime.now(clock));
    String name = (isOnline ? "run-%s-%s" : "offline-run-%s-%s").formatted(time, id);
    Path folder = root.resolve(name);
    Files.createDirectories(folder.resolve("files"));
    Files.createDirectories(folder.resolve("logs"));
    return new RunFolder(id, folder, folder.resolve("run-" + id + ".wandb"));
  }

  private static @Nullable String knownId(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return null;
    }
    try {
      JsonObject object = new Gson().fromJson(Files.readString(file), JsonObject.class);
      return object.get("run_id").getAsString();
    } catch (JsonParseException | NullPointerException | IllegalStateException e) {
      return null; // Truncated or foreign: the run gets a new identity.
    }
  }

  private static String newId() {
    SecureRandom random = new SecureRandom();
    StringBuilder id = new StringBuilder();
    for (int i = 0; i < ID_LENGTH; i++) {
      id.append(CHARACTERS.charAt(random.nextInt(CHARACTERS.length())));
    }
    return id.toString();
  }
}
