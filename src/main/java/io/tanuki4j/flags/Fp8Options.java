package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.Fp8Kernels.Window;
import io.tanuki4j.nn.fp8.Fp8Config;
import io.tanuki4j.nn.fp8.Fp8Config.Ends;
import io.tanuki4j.nn.fp8.Fp8Config.Recipe;
import io.tanuki4j.tensor.DType;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link Fp8Config}. */
public final class Fp8Options {
  private static final String E4M3 = "e4m3";
  private static final String DELAYED = "delayed";
  private static final String TENSORWISE = "tensorwise";
  private static final String MAX = "max";

  @Option(
      names = "--fp8-format",
      paramLabel = "e4m3|hybrid",
      description =
          "Products of linear layers between numbers of eight bits; hybrid: gradients in e5m2, all"
              + " others in e4m3. On GPUs of compute capability 8.9 or later.")
  @Nullable String fp8;

  @Option(
      names = "--fp8-recipe",
      paramLabel = "delayed|tensorwise",
      description =
          "Scales from the magnitudes of earlier iterations, or from a tensor's own, which takes a"
              + " pass more.")
  String fp8Recipe = DELAYED;

  @Option(
      names = "--fp8-margin",
      paramLabel = "N",
      description = "Scales are divided by 2 to this power.")
  int fp8Margin;

  @Option(
      names = "--fp8-amax-history-len",
      paramLabel = "N",
      description = "Iterations whose magnitudes delayed scaling remembers.")
  int fp8AmaxHistoryLen = 1;

  @Option(
      names = "--fp8-amax-compute-algo",
      paramLabel = "max|most_recent",
      description = "Which of them make a scale.")
  String fp8AmaxComputeAlgo = "most_recent";

  @Option(
      names = {"--no-fp8-wgrad", "--disable-fp8-wgrad"},
      description = "Gradients of weights are products of BF16: slower, and more memory.")
  boolean fp8Wgrad = true;

  @Option(
      names = "--first-last-layers-bf16",
      description = "Layers at both ends of the model stay in BF16; with any recipe.")
  boolean firstLastLayersBf16;

  @Option(
      names = "--num-layers-at-start-in-bf16",
      paramLabel = "N",
      description = "How many of them at the start.")
  int numLayersAtStartInBf16 = 1;

  @Option(
      names = "--num-layers-at-end-in-bf16",
      paramLabel = "N",
      description = "How many of them at the end.")
  int numLayersAtEndInBf16 = 1;

  void check(boolean bf16, Problems problems) {
    problems.oneOf("--fp8-format", fp8, List.of(E4M3, "hybrid"));
    problems.oneOf("--fp8-recipe", fp8Recipe, List.of(DELAYED, TENSORWISE));
    problems.oneOf("--fp8-amax-compute-algo", fp8AmaxComputeAlgo, List.of(MAX, "most_recent"));
    problems.notNegative("--fp8-margin", fp8Margin, "Megatron uses 0.");
    problems.positive("--fp8-amax-history-len", fp8AmaxHistoryLen, "Megatron uses 1.");
    problems.notNegative(
        "--num-layers-at-start-in-bf16", numLayersAtStartInBf16, "Write 0 or more.");
    problems.notNegative("--num-layers-at-end-in-bf16", numLayersAtEndInBf16, "Write 0 or more.");
    if (fp8 != null && !bf16) {
      problems.add(
          "--fp8-format", fp8, "only together with --bf16", "Add --bf16, or leave it out.");
    }
  }

  /** Checks that a flag about FP8 tensors comes with some. */
  void checkUse(String flag, boolean given, Problems problems) {
    if (given && fp8 == null) {
      problems.add(flag, "given", "together with --fp8-format", "Add it, or leave this one out.");
    }
  }

  /**
   * Checks that a rank's matrix products have sizes that FP8 allows.
   *
   * @param widths of a rank's parts of the linear layers, by the flags that determine them
   * @param tokens of a rank's part of a micro-batch
   */
  void checkSizes(Map<String, Integer> widths, long tokens, Problems problems) {
    if (fp8 == null) {
      return;
    }
    widths.forEach((flag, width) -> checkSize(flag, "a width of " + width, width, problems));
    checkSize("--micro-batch-size", tokens + " tokens on a rank", tokens, problems);
  }

  private static void checkSize(String flag, String what, long size, Problems problems) {
    if (size % Fp8Kernels.MULTIPLE != 0) {
      problems.add(
          flag,
          what,
          "a multiple of %d with --fp8-format".formatted(Fp8Kernels.MULTIPLE),
          "Change it, or leave --fp8-format out.");
    }
  }

  /** Returns null without --fp8-format. */
  @Nullable Fp8Config toConfig() {
    if (fp8 == null) {
      return null;
    }
    return new Fp8Config(
        fp8.equals(E4M3) ? DType.F8_E4M3 : DType.F8_E5M2,
        fp8Recipe.equals(DELAYED) ? Recipe.DELAYED : Recipe.TENSORWISE,
        fp8Margin,
        fp8AmaxHistoryLen,
        fp8AmaxComputeAlgo.equals(MAX) ? Window.MAX : Window.MOST_RECENT,
        !fp8Wgrad,
        firstLastLayersBf16 ? new Ends(numLayersAtStartInBf16, numLayersAtEndInBf16) : Ends.NONE);
  }
}
