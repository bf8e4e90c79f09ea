package io.tanuki4j.backend.cuda;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Where each component of CUDA lies, and what is missing. Loading goes by absolute path in the
 * order of dependency, so that the linker finds each library by its soname when the next one asks
 * for it and no {@code LD_LIBRARY_PATH} is needed.
 *
 * @param folders of the components that were found
 * @param problems the components that were not
 */
public record CudaLibraries(Map<CudaComponent, Path> folders, List<CudaProblem> problems) {
  public CudaLibraries {
    folders = Map.copyOf(folders);
    problems = List.copyOf(problems);
  }

  /** A component lies in the first folder that has all of its files. */
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
   * Loads what was found, except components after one that does not load.
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
    for (String file : component.files()) {
      try {
        System.load(folder.resolve(file).toString());
      } catch (UnsatisfiedLinkError e) {
        failures.add(
            CudaProblem.of(component, "cannot load %s: %s".formatted(file, e.getMessage())));
        return;
      }
    }
  }
}
