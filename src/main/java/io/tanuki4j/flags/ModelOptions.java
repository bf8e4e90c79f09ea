package io.tanuki4j.flags;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import io.tanuki4j.config.Problems;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.DropoutRates;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The flags of {@link ModelConfig}. */
public final class ModelOptions {
  private static final int FFN_MULTIPLE = 64;
  private static final double Z_LOSS = 1e-4;
  private static final double DEFAULT_DROPOUT = 0.1;

  @Option(names = "--num-layers", paramLabel = "N", description = "Transformer layers.")
  @Nullable Integer numLayers;

  @Option(names = "--hidden-size", paramLabel = "N", description = "Width of the hidden states.")
  @Nullable Integer hiddenSize;

  @Option(
      names = "--ffn-hidden-size",
      paramLabel = "N",
      description =
          "Width inside the MLP (4 times the hidden size; with a gate 8/3, down to a multiple of"
              + " 64).")
  @Nullable Integer ffnHiddenSize;

  @Mixin final AttentionOptions attention = new AttentionOptions();

  @Option(names = "--seq-length", paramLabel = "N", description = "Tokens per sample.")
  @Nullable Integer seqLength;

  @Option(
      names = "--encoder-seq-length",
      paramLabel = "N",
      description = "Another name of --seq-length.")
  @Nullable Integer encoderSeqLength;

  @Option(
      names = "--max-position-embeddings",
      paramLabel = "N",
      description = "Longest sequence that the model is made for; at least --seq-length.")
  @Nullable Integer maxPositionEmbeddings;

  @Option(
      names = "--sliding-window",
      paramLabel = "N",
      description = "Tokens that a token can attend to: --seq-length or more, which has no effect.")
  @Nullable Integer slidingWindow;

  @Mixin final RotaryOptions rotary = new RotaryOptions();

  @Mixin final LayerOptions layers = new LayerOptions();

  @Option(
      names = "--padded-vocab-size",
      paramLabel = "N",
      description = "Rows of the embedding (the tokenizer's size, padded).")
  @Nullable Integer paddedVocabSize;

  @Option(
      names = "--init-method-std",
      paramLabel = "X",
      description = "Standard deviation of the initial weights.")
  double initMethodStd = 0.02;

  @Option(
      names = "--use-z-loss",
      description = "Adds 1e-4 times the squared log of the softmax's sum to each token's loss.")
  boolean useZLoss;

  @Option(
      names = "--z-loss-strength",
      paramLabel = "X",
      description = "The same with another factor; 0 for none.")
  @Nullable Double zLossStrength;

  @Option(
      names = "--attention-dropout",
      paramLabel = "X",
      description = "Share of attention's probabilities that training drops; Llama uses 0.")
  double attentionDropout = DEFAULT_DROPOUT;

  @Option(
      names = "--hidden-dropout",
      paramLabel = "X",
      description = "Share of hidden states that training drops after each branch; Llama uses 0.")
  double hiddenDropout = DEFAULT_DROPOUT;

  @Mixin final RecomputeOptions recompute = new RecomputeOptions();

  /**
   * Sets what follows from other flags.
   *
   * @param notices gets lines for the log
   */
  void derive(List<String> notices) {
    if (drops()) {
      notices.add(
          "training drops %s of hidden states and %s of attention's probabilities; write"
                  .formatted(hiddenDropout, attentionDropout)
              + " --hidden-dropout 0 --attention-dropout 0 for none, as Llama has it");
    }
    rotary.derive();
    layers.derive();
    recompute.derive(notices);
    if (seqLength == null) {
      seqLength = encoderSeqLength;
    }
    if (ffnHiddenSize == null && hiddenSize != null && hiddenSize > 0) {
      ffnHiddenSize =
          layers.isGated()
              ? (int) (4.0 * hiddenSize * 2 / 3 / FFN_MULTIPLE) * FFN_MULTIPLE
              : 4 * hiddenSize;
    }
    attention.derive(hiddenSize);
    if (zLossStrength == null) {
      zLossStrength = useZLoss ? Z_LOSS : 0.0;
    }
  }

  /** Returns whether training drops elements. */
  boolean drops() {
    return hiddenDropout > 0 || attentionDropout > 0;
  }

  /** Returns whether some layers don't keep what the second half of a split backward needs. */
  boolean keepsTooLittleToSplit() {
    return hiddenDropout > 0 || "full".equals(recompute.recomputeGranularity);
  }

  DropoutRates dropout(long seed) {
    return drops() ? new DropoutRates(hiddenDropout, attentionDropout, seed) : DropoutRates.NONE;
  }

  private static void checkDropout(String flag, double rate, Problems problems) {
    if (!(rate >= 0 && rate < 1)) {
      problems.add(flag, rate, "at least 0, below 1", "Llama trains with 0.");
    }
  }

  void check(Problems problems) {
    checkDropout("--attention-dropout", attentionDropout, problems);
    checkDropout("--hidden-dropout", hiddenDropout, problems);
    checkGiven(problems);
    checkSizes(problems);
    attention.check(hiddenSize, problems);
    rotary.check(attention.kvChannels, problems);
    recompute.check(numLayers, problems);
    layers.check(problems);
    problems.positive("--init-method-std", initMethodStd, "Megatron uses 0.02.");
    problems.notNegative("--z-loss-strength", zLossStrength, "PaLM uses 1e-4; 0 is none.");
    if (encoderSeqLength != null && !encoderSeqLength.equals(seqLength)) {
      problems.exclusive("--encoder-seq-length", encoderSeqLength, "--seq-length", seqLength);
    }
  }

  private void checkGiven(Problems problems) {
    String integer = "an integer";
    problems.required("--num-layers", numLayers, integer, "Add it, for example --num-layers 8.");
    problems.required(
        "--hidden-size", hiddenSize, integer, "Add it, for example --hidden-size 256.");
    problems.required("--seq-length", seqLength, integer, "Add it, for example --seq-length 2048.");
    problems.required(
        "--max-position-embeddings",
        maxPositionEmbeddings,
        integer,
        "Add it with the value of --seq-length.");
  }

  private void checkSizes(Problems problems) {
    String size = "Write 1 or more.";
    problems.positive("--num-layers", numLayers, size);
    problems.positive("--hidden-size", hiddenSize, size);
    problems.positive(
        "--ffn-hidden-size",
        ffnHiddenSize,
        "Give it: the default with a gate is 8/3 of --hidden-size, down to a multiple of 64.");
    problems.positive("--seq-length", seqLength, size);
    problems.positive("--padded-vocab-size", paddedVocabSize, "Write 1 or more, or leave it out.");
    if (seqLength != null && maxPositionEmbeddings != null && maxPositionEmbeddings < seqLength) {
      problems.add(
          "--max-position-embeddings",
          maxPositionEmbeddings,
          "at least --seq-length, " + seqLength,
          "Write " + seqLength + " or more.");
    }
    if (seqLength != null && slidingWindow != null && slidingWindow < seqLength) {
      problems.add(
          "--sliding-window",
          slidingWindow,
          "at least --seq-length, " + seqLength,
          "Attention to a part of the sample is not built: leave it out.");
    }
  }

  /** Returns the configuration of checked flags; the vocabulary is 0 if it is not known. */
  ModelConfig toConfig() {
    return new ModelConfig(
        new Sizes(
            requireNonNull(numLayers),
            requireNonNull(hiddenSize),
            requireNonNull(ffnHiddenSize),
            requireNonNullElse(paddedVocabSize, 0),
            requireNonNull(seqLength),
            requireNonNull(maxPositionEmbeddings)),
        attention.toConfig(),
        rotary.toConfig(),
        layers.toConfig(),
        layers.embeddings(rotary.positions()),
        new Training(initMethodStd, requireNonNullElse(zLossStrength, 0.0), recompute.toConfig()));
  }
}
