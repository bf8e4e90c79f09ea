package io.tanuki4j.parallel;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The layers that each chunk of a pipeline owns. Chunk {@code c} of stage {@code r} is the virtual
 * stage {@code c · stages + r}; the layers follow the virtual stages, as in Megatron-LM's
 * interleaved schedule.
 *
 * @param counts layers of each virtual stage, in the order of the forward
 */
public record StageLayers(int numStages, List<Integer> counts) {
  /**
   * @throws IllegalArgumentException if the stages have not equally many chunks, or one has less
   *     than no layer
   */
  public StageLayers {
    counts = List.copyOf(counts);
    if (counts.isEmpty()
        || counts.size() % numStages != 0
        || counts.stream().anyMatch(count -> count < 0)) {
      throw new IllegalArgumentException(
          "layers %s on %d stages (expected: 0 or more for each chunk of each stage)"
              .formatted(counts, numStages));
    }
  }

  /**
   * Gives every chunk the same number of layers.
   *
   * @throws IllegalArgumentException if the layers cannot be shared equally
   */
  public static StageLayers even(int numLayers, int numStages, int chunksPerStage) {
    int numChunks = numStages * chunksPerStage;
    if (numLayers % numChunks != 0) {
      throw new IllegalArgumentException(
          "%d layers on %d chunks (expected: a multiple)".formatted(numLayers, numChunks));
    }
    return new StageLayers(numStages, Collections.nCopies(numChunks, numLayers / numChunks));
  }

  /** Gives each stage its number of layers, shared equally among its chunks. */
  static StageLayers ofStages(List<Integer> layersOfStage, int chunksPerStage) {
    List<Integer> counts = new ArrayList<>();
    for (int chunk = 0; chunk < chunksPerStage; chunk++) {
      layersOfStage.forEach(layers -> counts.add(layers / chunksPerStage));
    }
    return new StageLayers(layersOfStage.size(), counts);
  }

  public int chunksPerStage() {
    return counts.size() / numStages;
  }

  /** Returns the number of layers of a chunk. */
  public int count(int stage, int chunk) {
    return counts.get(chunk * numStages + stage);
  }

  /** Returns the index in the whole model of a chunk's first layer. */
  public int firstLayer(int stage, int chunk) {
    return counts.subList(0, chunk * numStages + stage).stream().mapToInt(count -> count).sum();
  }

  public int numLayers() {
    return counts.stream().mapToInt(count -> count).sum();
  }
}
