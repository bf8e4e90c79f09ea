package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.PythonText;
import io.tanuki4j.model.ModelConfig.Positions;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.nn.RopeScaling;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Positions, and the rotation of queries and keys by them. Part of {@link ModelOptions}. */
final class RotaryOptions {
  private static final double DEFAULT_BASE = 10000;
  private static final RopeScaling LLAMA3 = RopeScaling.LLAMA3;

  @Option(
      names = "--position-embedding-type",
      paramLabel = "TYPE",
      description = "rope, Megatron's default learned_absolute, or none.")
  String positionEmbeddingType = Positions.LEARNED_ABSOLUTE.megatronName();

  @Option(
      names = "--use-rotary-position-embeddings",
      description = "Old spelling of --position-embedding-type rope.")
  boolean useRotaryPositionEmbeddings;

  @Option(
      names = "--no-position-embedding",
      description = "Old spelling of no learned positions; allowed with rope.")
  boolean addPositionEmbedding = true;

  @Option(
      names = "--rotary-base",
      paramLabel = "N",
      description = "Base of the rotation's frequencies (10000).")
  @Nullable Double rotaryBase;

  @Option(names = "--rope-theta", paramLabel = "X", description = "The same as --rotary-base.")
  @Nullable Double ropeTheta;

  @Option(
      names = "--rotary-percent",
      paramLabel = "X",
      description = "Share of each head that is rotated.")
  double rotaryPercent = 1.0;

  @Option(
      names = "--rotary-seq-len-interpolation-factor",
      paramLabel = "X",
      description = "Positions are divided by this, as with linear scaling in transformers.")
  @Nullable Double rotarySeqLenInterpolationFactor;

  @Option(names = "--use-rope-scaling", description = "Llama 3.1's rescaling of low frequencies.")
  boolean useRopeScaling;

  @Option(
      names = "--rope-scaling-factor",
      paramLabel = "X",
      description = "Its factor; used with --use-rope-scaling.")
  double ropeScalingFactor = LLAMA3.factor();

  @Option(
      names = "--rope-factor",
      paramLabel = "X",
      description = "Rescales with this factor; the same as the two flags above.")
  @Nullable Double ropeFactor;

  @Option(
      names = "--rope-low-freq-factor",
      paramLabel = "X",
      description = "Wavelengths above the original length / X are stretched by the whole factor.")
  double ropeLowFreqFactor = LLAMA3.lowFrequencyFactor();

  @Option(
      names = "--rope-high-freq-factor",
      paramLabel = "X",
      description = "Wavelengths below the original length / X are kept.")
  double ropeHighFreqFactor = LLAMA3.highFrequencyFactor();

  @Option(
      names = "--rope-original-max-positional-embeddings",
      paramLabel = "N",
      description = "The original length: of the sequences before the rescaling.")
  int ropeOriginalMaxPositionalEmbeddings = LLAMA3.originalLength();

  void derive() {
    if (useRotaryPositionEmbeddings) {
      positionEmbeddingType = Positions.ROPE.megatronName();
    }
    if (ropeFactor != null) {
      useRopeScaling = true;
      ropeScalingFactor = ropeFactor;
    }
  }

  void check(@Nullable Integer headDim, Problems problems) {
    List<String> types = Arrays.stream(Positions.values()).map(Positions::megatronName).toList();
    problems.oneOf("--position-embedding-type", positionEmbeddingType, types);
    if (!addPositionEmbedding && positions() != Positions.ROPE) {
      problems.add(
          "--no-position-embedding",
          "given, with --position-embedding-type " + positionEmbeddingType,
          "together with --position-embedding-type rope",
          "Write --position-embedding-type none for a model without positions.");
    }
    checkBase(problems);
    problems.positive(
        "--rotary-seq-len-interpolation-factor",
        rotarySeqLenInterpolationFactor,
        "Write 1 or leave it out for none.");
    checkScaling(problems);
    checkShare(headDim, problems);
  }

  private void checkBase(Problems problems) {
    problems.positive("--rotary-base", rotaryBase, "Write 10000 or more.");
    problems.positive("--rope-theta", ropeTheta, "Write 10000.0 or more.");
    if (rotaryBase != null && ropeTheta != null && !ropeTheta.equals(rotaryBase)) {
      problems.add(
          "--rope-theta",
          PythonText.of(ropeTheta),
          "the value of --rotary-base, " + PythonText.of(rotaryBase),
          "They mean the same: leave out one of the two.");
    }
  }

  private void checkScaling(Problems problems) {
    problems.positive("--rope-factor", ropeFactor, "Llama 3.1 uses 8.0.");
    problems.positive("--rope-scaling-factor", ropeScalingFactor, "Llama 3.1 uses 8.0.");
    needsScaling(
        "--rope-low-freq-factor", ropeLowFreqFactor, LLAMA3.lowFrequencyFactor(), problems);
    needsScaling(
        "--rope-high-freq-factor", ropeHighFreqFactor, LLAMA3.highFrequencyFactor(), problems);
    needsScaling(
        "--rope-original-max-positional-embeddings",
        ropeOriginalMaxPositionalEmbeddings,
        LLAMA3.originalLength(),
        problems);
    problems.positive("--rope-low-freq-factor", ropeLowFreqFactor, "Llama 3.1 uses 1.0.");
    problems.positive(
        "--rope-original-max-positional-embeddings",
        ropeOriginalMaxPositionalEmbeddings,
        "Llama 3.1 uses 8192.");
    if (!(ropeHighFreqFactor > ropeLowFreqFactor && Double.isFinite(ropeHighFreqFactor))) {
      problems.add(
          "--rope-high-freq-factor",
          PythonText.of(ropeHighFreqFactor),
          "more than --rope-low-freq-factor, " + PythonText.of(ropeLowFreqFactor),
          "Llama 3.1 uses 4.0 and 1.0.");
    }
  }

  private void needsScaling(String flag, Number value, Number initial, Problems problems) {
    if (!useRopeScaling && !value.equals(initial)) {
      problems.add(
          flag,
          PythonText.of(value),
          "together with --rope-factor or --use-rope-scaling",
          "Add one of them, or leave it out.");
    }
  }

  private void checkShare(@Nullable Integer headDim, Problems problems) {
    if (!(rotaryPercent > 0 && rotaryPercent <= 1)) {
      String shown = PythonText.of(rotaryPercent);
      problems.add("--rotary-percent", shown, "more than 0, up to 1", "Llama uses 1.0.");
    } else if (headDim != null && headDim > 0) {
      int rotated = (int) (headDim * rotaryPercent);
      if (rotated == 0 || rotated % 2 != 0) {
        problems.add(
            "--rotary-percent",
            PythonText.of(rotaryPercent),
            "an even number of a head's %d elements, not %d".formatted(headDim, rotated),
            "Rotation works on pairs: change it, or --kv-channels.");
      }
    }
  }

  Positions positions() {
    return Arrays.stream(Positions.values())
        .filter(one -> one.megatronName().equals(positionEmbeddingType))
        .findFirst()
        .orElse(Positions.LEARNED_ABSOLUTE);
  }

  /** Returns the configuration of checked flags. */
  Rotary toConfig() {
    RopeScaling scaling =
        useRopeScaling
            ? new RopeScaling(
                ropeScalingFactor,
                ropeLowFreqFactor,
                ropeHighFreqFactor,
                ropeOriginalMaxPositionalEmbeddings)
            : null;
    double interpolation =
        rotarySeqLenInterpolationFactor == null ? 1 : rotarySeqLenInterpolationFactor;
    return new Rotary(base(), rotaryPercent, interpolation, scaling);
  }

  double base() {
    if (ropeTheta != null) {
      return ropeTheta;
    }
    return rotaryBase == null ? DEFAULT_BASE : rotaryBase;
  }

  /** Returns the base as {@code --rotary-base} takes it, a whole number if it is one. */
  Number wholeBase() {
    double base = base();
    if (base == Math.rint(base) && base <= Integer.MAX_VALUE) {
      return (int) base;
    }
    return base;
  }

  /** Returns whether positions are rotations. */
  boolean isRotary() {
    return positionEmbeddingType.equals(Positions.ROPE.megatronName());
  }
}
