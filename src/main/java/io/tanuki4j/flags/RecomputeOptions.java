package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Recompute;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What the backward pass recomputes instead of keeping. Part of {@link ModelOptions}. */
final class RecomputeOptions {
  @Option(
      names = "--recompute-activations",
      description = "The same as --recompute-granularity selective, and wins over it.")
  boolean recomputeActivations;

  @Option(
      names = "--recompute-granularity",
      paramLabel = "full|selective",
      description = "selective: the attention core; full: whole layers.")
  @Nullable String recomputeGranularity;

  @Option(
      names = "--recompute-method",
      paramLabel = "uniform|block",
      description =
          "Recomputes, with full, layers in groups of --recompute-num-layers (uniform), or only that"
              + " many layers (block).")
  @Nullable String recomputeMethod;

  @Option(
      names = "--recompute-num-layers",
      paramLabel = "N",
      description = "See --recompute-method.")
  @Nullable Integer recomputeNumLayers;

  void derive(List<String> notices) {
    if (recomputeActivations) {
      recomputeGranularity = "selective";
    }
    if (recomputeGranularity == null && (recomputeMethod != null || recomputeNumLayers != null)) {
      notices.add(
          "nothing is recomputed, since --recompute-granularity is not given: --recompute-method and"
              + " --recompute-num-layers have no effect");
    }
  }

  void check(@Nullable Integer numLayers, Problems problems) {
    problems.oneOf("--recompute-granularity", recomputeGranularity, List.of("full", "selective"));
    problems.oneOf("--recompute-method", recomputeMethod, List.of("uniform", "block"));
    if ("full".equals(recomputeGranularity)) {
      checkFull(numLayers, problems);
    } else if (recomputeGranularity != null && recomputeMethod != null) {
      problems.add(
          "--recompute-method",
          recomputeMethod,
          "together with --recompute-granularity full",
          "Leave it out, or add --recompute-granularity full.");
    } else if (recomputeGranularity != null && recomputeNumLayers != null) {
      problems.add(
          "--recompute-num-layers",
          recomputeNumLayers,
          "together with --recompute-granularity full",
          "Leave it out, or add --recompute-granularity full.");
    }
  }

  private void checkFull(@Nullable Integer numLayers, Problems problems) {
    problems.required(
        "--recompute-method",
        recomputeMethod,
        "uniform or block, since --recompute-granularity is full",
        "Add --recompute-method uniform.");
    problems.required(
        "--recompute-num-layers",
        recomputeNumLayers,
        "a number of layers, since --recompute-granularity is full",
        "Add --recompute-num-layers 1.");
    problems.positive("--recompute-num-layers", recomputeNumLayers, "Write 1 or more.");
    if (numLayers != null && recomputeNumLayers != null && recomputeNumLayers > numLayers) {
      problems.add(
          "--recompute-num-layers",
          recomputeNumLayers,
          "at most --num-layers, " + numLayers,
          "Write " + numLayers + " or less.");
    }
  }

  Recompute toConfig() {
    if (recomputeGranularity == null) {
      return Recompute.NONE;
    }
    if (recomputeGranularity.equals("selective")) {
      return new Recompute(Granularity.SELECTIVE, 0);
    }
    int layers = recomputeNumLayers == null ? 1 : recomputeNumLayers;
    boolean uniform = "uniform".equals(recomputeMethod);
    return new Recompute(uniform ? Granularity.FULL_UNIFORM : Granularity.FULL_BLOCK, layers);
  }
}
