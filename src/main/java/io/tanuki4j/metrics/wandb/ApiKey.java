package io.tanuki4j.metrics.wandb;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds W&amp;B's key: in its variable, then in the server's entry in .netrc. */
final class ApiKey {
  private ApiKey() {}

  /** Returns the key for a server; null if there is none. */
  static @Nullable String find(Map<String, String> variables, String base) {
    String key = variables.getOrDefault("WANDB_API_KEY", "").strip();
    if (!key.isEmpty()) {
      return key;
    }
    for (Path file : files(variables)) {
      if (Files.isRegularFile(file)) {
        return inNetrc(file, URI.create(base).getHost());
      }
    }
    return null;
  }

  private static List<Path> files(Map<String, String> variables) {
    List<Path> files = new ArrayList<>();
    if (variables.containsKey("NETRC")) {
      files.add(Path.of(variables.get("NETRC")));
    }
    Path home = Path.of(variables.getOrDefault("HOME", ""));
    files.add(home.resolve(".netrc"));
    files.add(home.resolve("_netrc"));
    return files;
  }

  private static @Nullable String inNetrc(Path file, String host) {
    try {
      String[] words = Files.readString(file).strip().split("\\s+");
      boolean isHost = false;
      for (int i = 0; i + 1 < words.length; i++) {
        if (words[i].equals("machine")) {
          isHost = words[i + 1].equals(host);
        } else if (words[i].equals("password") && isHost) {
          return words[i + 1];
        }
      }
      return null;
    } catch (IOException e) {
      return null; // An unreadable file counts as missing.
    }
  }
}
