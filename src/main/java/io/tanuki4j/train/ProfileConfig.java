package io.tanuki4j.train;

import java.nio.file.Path;
import java.util.List;

/**
 * The iterations and the ranks that are profiled.
 *
 * @param stepStart iterations that are done when the profile begins
 * @param stepEnd the last iteration in it
 * @param folder where traces go
 */
public record ProfileConfig(int stepStart, int stepEnd, List<Integer> ranks, Path folder) {
  public ProfileConfig {
    ranks = List.copyOf(ranks);
  }
}
