package io.tanuki4j.train;

/**
 * How far a run has come.
 *
 * @param iteration iterations done
 * @param consumedTrainSamples of all ranks together
 * @param consumedValidSamples evaluations go on from here
 */
public record Progress(long iteration, long consumedTrainSamples, long consumedValidSamples) {
  public static final Progress START = new Progress(0, 0, 0);
}
