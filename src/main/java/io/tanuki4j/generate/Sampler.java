package io.tanuki4j.generate;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Chooses the next token from logits: the most probable one at temperature 0, otherwise at random
 * among the most probable ({@code topK}, and nucleus sampling with {@code topP}, Holtzman et al.,
 * 2020).
 */
public final class Sampler {
  private final double temperature;
  private final int topK;
  private final double topP;
  private final SplittableRandom random;

  /**
   * @param temperature 0 for the most probable token
   * @param topK how many candidates at most; 0 for all
   * @param topP candidates until their probabilities reach this sum; 1 for all
   */
  public Sampler(double temperature, int topK, double topP, long seed) {
    this.temperature = temperature;
    this.topK = topK;
    this.topP = topP;
    this.random = new SplittableRandom(seed);
  }

  /**
   * @param numIds ids from here on are padding of the vocabulary and never chosen
   */
  public int choose(FloatBuffer logits, int numIds) {
    int best =
        IntStream.range(0, numIds).reduce(0, (a, b) -> logits.get(b) > logits.get(a) ? b : a);
    if (temperature == 0) {
      return best;
    }
    double highest = logits.get(best);
    double[] weights =
        IntStream.range(0, numIds)
            .mapToDouble(id -> Math.exp((logits.get(id) - highest) / temperature))
            .toArray();
    return draw(candidates(weights), weights);
  }

  private int[] candidates(double[] weights) {
    int[] sorted =
        IntStream.range(0, weights.length)
            .boxed()
            .sorted(Comparator.comparingDouble(id -> -weights[id]))
            .mapToInt(Integer::intValue)
            .toArray();
    int most = topK == 0 ? sorted.length : Math.min(topK, sorted.length);
    double wanted = topP * Arrays.stream(weights).sum();
    double reached = 0;
    int count = 0;
    while (count < most && reached < wanted) {
      reached += weights[sorted[count]];
      count++;
    }
    return Arrays.copyOf(sorted, Math.max(1, count));
  }

  private int draw(int[] candidates, double[] weights) {
    double left =
        random.nextDouble() * Arrays.stream(candidates).mapToDouble(c -> weights[c]).sum();
    for (int candidate : candidates) {
      left -= weights[candidate];
      if (left < 0) {
        return candidate;
      }
    }
    return candidates[candidates.length - 1];
  }
}
