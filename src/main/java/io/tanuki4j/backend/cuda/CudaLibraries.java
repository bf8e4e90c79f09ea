package io.tanuki4j.backend.cuda;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Where each component of CUDA lies, and what is missing. Libraries are loaded by absolute path in
 * the order of dependency. The linker then finds each by its soname when the next one asks for it,
 * and no {@code LD_LIBRARY_PATH} is needed.
 *
 * @param folders of the components that were found
 * @param problems the components that were not
 */
public record CudaLibraries(Map<CudaComponent, Path> folders, List<CudaProblem> problems) {
  public CudaLibraries {
    folders = Map.copyOf(folders);
    problems = List.copyOf(problems);
  }

  /** Finds each component in the first folder that has all of its files. */
  public static CudaLibraries find(CudaSearchPath path) {
    Map<CudaComponent, Path> found = new EnumMap<>(CudaComponent.class);
    List<CudaProblem> problems = new ArrayList<>();
    for (CudaComponent component : CudaComponent.values()) {
      path.folders().stream()
          .filter(folder -> hasAll(folder, component))
          .findFirst()
          .ifPresentOrElse(
              folder -> found.put(component, folder),
              () -> problems.add(missing(component, path.folders())));
    }
    return new CudaLibraries(found, problems);
  }

  private static boolean hasAll(Path folder, CudaComponent component) {
    return component.files().stream().allMatch(file -> Files.exists(folder.resolve(file)));
  }

  private static CudaProblem missing(CudaComponent component, List<Path> folders) {
    String files = String.join(", ", component.files());
    return CudaProblem.of(
        component, "%s not found in one of %d folders".formatted(files, folders.size()));
  }

  /**
   * Loads what was found, up to the first component that does not load.
   *
   * @return what could not be loaded, with the linker's reason
   */
  List<CudaProblem> load() {
    List<CudaProblem> failures = new ArrayList<>();
    for (CudaComponent component : CudaComponent.values()) {
      Path folder = folders.get(component);
      if (folder != null && failures.isEmpty()) {
        load(component, folder, failures);
      }
    }
    return failures;
  }

  private static void load(CudaComponent component, Path folder, List<CudaProblem> failures) {
    List<Path> files = companions(component, folder);
    component.files().forEach(file -> files.add(folder.resolve(file)));
    for (Path file : files) {
      try {
        System.load(file.toString());
      } catch (UnsatisfiedLinkError e) {
        String reason = "cannot load %s: %s".formatted(file.getFileName(), e.getMessage());
        failures.add(CudaProblem.of(component, reason));
        return;
      }
    }
  }

  private static List<Path> companions(CudaComponent component, Path folder) {
    List<Path> files = new ArrayList<>();
    try (DirectoryStream<Path> matches = Files.newDirectoryStream(folder, component.companions())) {
      matches.forEach(files::add);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot list " + folder, e);
    }
    return files;
  }
}
