package io.tanuki4j.metrics;

import java.util.List;

/**
 * The lines that Megatron-LM (core 0.12) prints before the first iteration, character by character.
 * Those with a time are {@link MegatronLines#dateTime}.
 */
public final class StartupLines {
  public static final String DONE_WITH_SETUP = "done with setup ...";
  public static final String TRAINING = "training ...";
  public static final String SKIPPING_TRAINING = "skipping training (--skip-train is on) ...";

  private StartupLines() {}

  /** Returns the sizes of all axes. The missing space after None is Megatron's. */
  public static String worldSize(
      int tensorParallel, int pipelineParallel, int dataParallel, int contextParallel) {
    return ("using world size: %d, data-parallel size: %d, context-parallel size: %d,"
            + " hierarchical context-parallel sizes: Nonetensor-model-parallel size: %d,"
            + " encoder-tensor-model-parallel size: 0, pipeline-model-parallel size: %d,"
            + " encoder-pipeline-model-parallel size: 0")
        .formatted(
            tensorParallel * pipelineParallel * dataParallel * contextParallel,
            dataParallel,
            contextParallel,
            tensorParallel,
            pipelineParallel);
  }

  /** Returns {@code > building SentencePieceTokenizer tokenizer ...} */
  public static String buildingTokenizer(String type) {
    return "> building " + type + " tokenizer ...";
  }

  public static String paddedVocabulary(int size, int paddedSize) {
    return " > padded vocab (size: %d) with %d dummy tokens (new size: %d)"
        .formatted(size, paddedSize - size, paddedSize);
  }

  public static String randomSeeds(int seed) {
    return "> setting random seeds to " + seed + " ...";
  }

  public static String numberOfParameters(int tensorRank, int pipelineRank, long parameters) {
    return " > number of parameters on (tensor, pipeline) model parallel rank (%d, %d): %d"
        .formatted(tensorRank, pipelineRank, parameters);
  }

  /** Returns the lines to print when the process groups are ready. */
  public static List<String> groups(int tensorParallel, int pipelineParallel) {
    return List.of(
        "> initialized tensor model parallel with size " + tensorParallel,
        "> initialized pipeline model parallel with size " + pipelineParallel);
  }

  /**
   * Returns the line about the learning-rate decay.
   *
   * @param style as the flag spells it, for example {@code inverse-square-root}
   */
  public static String learningRateDecayStyle(String style) {
    return "> learning rate decay style: " + style;
  }

  /**
   * Returns the line about a device's memory, which follows the log's first iteration line. Memory
   * is taken once, so the peak equals the current use.
   *
   * @param rank that holds it
   * @param allocated bytes of tensors
   * @param reserved bytes of tensors and workspaces
   */
  public static String memory(int rank, long iterations, long allocated, long reserved) {
    double megabyte = 1 << 20;
    return ("[Rank %d] (after %d iterations) memory (MB) | allocated: %s | max allocated: %s"
            + " | reserved: %s | max reserved: %s")
        .formatted(
            rank,
            iterations,
            allocated / megabyte,
            allocated / megabyte,
            reserved / megabyte,
            reserved / megabyte);
  }

  /** Returns how many samples are requested from each split. */
  public static List<String> targetSizes(long train, long validation, long test) {
    return List.of(
        " > datasets target sizes (minimum size):",
        "    train:      " + train,
        "    validation: " + validation,
        "    test:       " + test);
  }
}
