package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.util.List;

/**
 * Chooses which dataset gives the next sample of a blend: the one farthest behind its weight, or
 * the first of several equals. Follows Megatron-LM's rule and arithmetic. Nothing is random.
 */
final class Blending {
  private final List<Source> sources;
  private final double[] weights;
  private final long[] counts;
  private long position;

  /**
   * One dataset of a blend.
   *
   * @param name for messages
   * @param weight the weights of all sources sum to 1
   * @param size number of its samples
   */
  record Source(String name, double weight, long size) {}

  Blending(List<Source> sources) {
    this.sources = List.copyOf(sources);
    this.weights = sources.stream().mapToDouble(Source::weight).toArray();
    this.counts = new long[weights.length];
  }

  /**
   * Returns the number of the dataset that gives the next sample.
   *
   * @throws UserException if that dataset has given all its samples
   */
  int next() {
    int dataset = farthestBehind(Math.max(position, 1));
    Source source = sources.get(dataset);
    if (counts[dataset] == source.size()) {
      throw new UserException(
          ("%s: sample %d of the blend asks it for more than its %d samples. Change the"
                  + " weights, or the number of samples, a little.")
              .formatted(source.name(), position, source.size()));
    }
    counts[dataset]++;
    position++;
    return dataset;
  }

  /** Returns how many samples a dataset has given so far. */
  long count(int dataset) {
    return counts[dataset];
  }

  private int farthestBehind(double position) {
    int best = 0;
    double most = weights[0] * position - counts[0];
    for (int i = 1; i < weights.length; i++) {
      double behind = weights[i] * position - counts[i];
      if (behind > most) {
        most = behind;
        best = i;
      }
    }
    return best;
  }
}
