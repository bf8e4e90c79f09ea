package io.tanuki4j.parallel.pipeline;

import java.util.ArrayList;
import java.util.List;

/**
 * The time that an iteration of a pipeline takes, and how long its stages wait, computed without a
 * device.
 *
 * @param seconds from the first action to the last of any stage
 * @param busySeconds of each stage: what it computes
 */
public record Timeline(double seconds, List<Double> busySeconds) {
  public Timeline {
    busySeconds = List.copyOf(busySeconds);
  }

  /** What the stages take for their work. */
  public interface Costs {
    /** Returns the seconds of a computation. */
    double compute(int stage, ChunkPass unit);

    /** Returns the seconds of a message between two stages, while both wait. */
    double transfer();
  }

  /**
   * Runs a schedule in simulated time.
   *
   * @throws IllegalArgumentException if the schedule is not possible for this shape
   */
  public static Timeline of(PipelineSchedule schedule, PipelineShape shape, Costs costs) {
    List<List<Action>> stages = new ArrayList<>();
    for (int stage = 0; stage < shape.numStages(); stage++) {
      stages.add(schedule.actions(shape, stage));
    }
    return new Simulation(shape, stages, costs).run();
  }

  /**
   * Returns the time that stages wait divided by the time that they compute, over all stages:
   * {@code (p − 1) / (m·v)} for equal stages, the pipeline bubble of Narayanan et al. (2021).
   */
  public double bubble() {
    double busy = busySeconds.stream().mapToDouble(Double::doubleValue).sum();
    return busySeconds.size() * seconds / busy - 1;
  }
}
