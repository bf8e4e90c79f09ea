package io.tanuki4j.metrics;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What sinks know of a run before its first iteration.
 *
 * @param arguments every flag under Megatron's attribute name
 * @param startIteration the run continues after it; 0 for a new run
 * @param seqLength tokens of a sample
 * @param ranks that share the work
 */
public record RunInfo(
    Map<String, @Nullable Object> arguments,
    long startIteration,
    long startSamples,
    long trainIterations,
    int seqLength,
    Ranks ranks) {
  /** The file in a run's folder with its facts, as JSON. */
  public static final String FILE = "run.json";

  /** What a sink knows before its start. */
  public static final RunInfo NONE =
      new RunInfo(Map.of(), 0, 0, 0, 0, new Ranks(Map.of(), "", 0, null, null));

  /** Returns what a page or a report says of the run. */
  public Map<String, @Nullable Object> facts() {
    Map<String, @Nullable Object> facts = new LinkedHashMap<>();
    facts.put("name", name());
    facts.put("startIteration", startIteration);
    facts.put("trainIterations", trainIterations);
    facts.put("seqLength", seqLength);
    facts.put("grid", ranks.grid());
    facts.put("device", ranks.device());
    facts.put("peakTeraflops", ranks.peakTeraflops());
    return facts;
  }

  /** Returns the name: W&amp;B's, or else that of the folder with its checkpoints. */
  private String name() {
    Object given = arguments.get("wandb_exp_name");
    if (given != null && !given.toString().isEmpty()) {
      return given.toString();
    }
    Object folder = arguments.get("save");
    Path last = folder == null ? null : Path.of(folder.toString()).getFileName();
    return last == null ? "run" : last.toString();
  }

  /**
   * The ranks and their devices, which are alike.
   *
   * @param grid sizes of the axes by name ({@code tp}, {@code dp}, …), in the order of ranks: the
   *     first axis is the one along which rank numbers are consecutive
   * @param device name of a device, for example the GPU's
   * @param flopsPerSample of forward and backward as Megatron counts them, on one device
   * @param peakTeraflops peak TFLOP/s of a device; null if unknown
   * @param measuredTeraflops what a large product reached on a device; null if not measured
   */
  public record Ranks(
      Map<String, Integer> grid,
      String device,
      double flopsPerSample,
      @Nullable Double peakTeraflops,
      @Nullable Double measuredTeraflops) {
    /** Returns the number of ranks. */
    public int count() {
      return grid.values().stream().reduce(1, Math::multiplyExact);
    }
  }
}
