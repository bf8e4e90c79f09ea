package io.tanuki4j.backend.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Folders to search for CUDA's libraries, best first: those a user names, toolkits, pip's nvidia
 * packages in the Python environments found, and the dynamic linker's.
 */
public final class CudaSearchPath {
  /** Folders, separated by colons, that come right after {@code --cuda-lib-dir}. */
  public static final String ENVIRONMENT_VARIABLE = "TANUKI4J_CUDA_LIB_DIR";

  private static final List<String> LINKER_FOLDERS =
      List.of(
          "/lib/x86_64-linux-gnu",
          "/usr/lib/x86_64-linux-gnu",
          "/lib64",
          "/usr/lib64",
          "/usr/lib",
          "/usr/lib/wsl/lib",
          "/usr/local/nvidia/lib64",
          "/usr/local/nvidia/lib");

  private final Set<Path> folders = new LinkedHashSet<>();

  private CudaSearchPath() {}

  /**
   * @param option folders separated by colons ({@code --cuda-lib-dir}); null if not given
   * @param environment the process's environment variables
   */
  public static CudaSearchPath of(@Nullable String option, Map<String, String> environment) {
    CudaSearchPath path = new CudaSearchPath();
    path.addNamed(option);
    path.addNamed(environment.get(ENVIRONMENT_VARIABLE));
    path.addToolkit(environment.get("CUDA_HOME"));
    path.addToolkit(environment.get("CUDA_PATH"));
    path.addGlob(Path.of("/usr/local"), "cuda*/lib64");
    path.addGlob(Path.of("/usr/local"), "cuda*/targets/x86_64-linux/lib");
    path.addPythons(environment);
    split(environment.get("LD_LIBRARY_PATH")).forEach(path::add);
    path.addGlob(Path.of("/etc"), "ld.so.conf.d/*.conf", path::addLinkerFile);
    LINKER_FOLDERS.forEach(folder -> path.add(Path.of(folder)));
    return path;
  }

  /** Returns the existing folders, each once, best first. */
  public List<Path> folders() {
    return List.copyOf(folders);
  }

  private void addNamed(@Nullable String value) {
    for (Path folder : split(value)) {
      add(folder);
      add(folder.resolve("lib64"));
      add(folder.resolve("lib"));
      addGlob(folder, "*/lib");
    }
  }

  private void addToolkit(@Nullable String home) {
    if (home != null && !home.isEmpty()) {
      add(Path.of(home, "lib64"));
      add(Path.of(home, "targets/x86_64-linux/lib"));
    }
  }

  private void addPythons(Map<String, String> environment) {
    List<Path> prefixes = new ArrayList<>();
    prefixes.addAll(split(environment.get("VIRTUAL_ENV")));
    prefixes.addAll(split(environment.get("CONDA_PREFIX")));
    for (Path bin : split(environment.get("PATH"))) {
      Path prefix = bin.getParent();
      if (prefix != null && Files.exists(bin.resolve("python3"))) {
        prefixes.add(prefix);
      }
    }
    for (Path prefix : prefixes) {
      addGlob(prefix.resolve("lib"), "python3*/site-packages/nvidia/*/lib");
      addGlob(prefix.resolve("lib"), "python3*/dist-packages/nvidia/*/lib");
    }
  }

  /** Reads one folder per line, as in the files of {@code /etc/ld.so.conf.d}. */
  private void addLinkerFile(Path file) {
    try {
      Files.readAllLines(file).stream()
          .map(String::strip)
          .filter(line -> line.startsWith("/"))
          .forEach(line -> add(Path.of(line)));
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + file, e);
    }
  }

  private void add(Path folder) {
    if (Files.isDirectory(folder)) {
      folders.add(folder.toAbsolutePath().normalize());
    }
  }

  private void addGlob(Path root, String pattern) {
    addGlob(root, pattern, this::add);
  }

  /**
   * Adds the matches of a pattern, one path element after the other; newest version first where
   * names hold one.
   */
  private static void addGlob(Path root, String pattern, java.util.function.Consumer<Path> found) {
    int slash = pattern.indexOf('/');
    String head = slash < 0 ? pattern : pattern.substring(0, slash);
    if (!Files.isDirectory(root)) {
      return;
    }
    List<Path> matches = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(root, head)) {
      entries.forEach(matches::add);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + root, e);
    }
    matches.sort((a, b) -> b.compareTo(a));
    for (Path match : matches) {
      if (slash < 0) {
        found.accept(match);
      } else {
        addGlob(match, pattern.substring(slash + 1), found);
      }
    }
  }

  private static List<Path> split(@Nullable String value) {
    List<Path> parts = new ArrayList<>();
    for (String part : value == null ? new String[0] : value.split(":", -1)) {
      if (!part.isEmpty()) {
        parts.add(Path.of(part));
      }
    }
    return parts;
  }
}
