package io.tanuki4j.run;

import io.tanuki4j.config.Precision;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.TokenizerType;
import io.tanuki4j.tokenizer.Tokenizers;
import io.tanuki4j.train.MicrobatchRunner;
import java.util.Optional;
import java.util.function.Consumer;

/**
 * A rank's part of a run's model in the memory of its device: what training, evaluation and
 * measuring begin with.
 *
 * @param plan of all that the rank takes
 * @param memory for as long as the model is used
 */
public record RankModel(RunConfig config, MemoryPlan plan, MemoryScope memory, ModelPart part) {

  /**
   * @param vocabSize see {@link #paddedVocabSize}
   * @param context whose groups have their tensors on the device
   * @param closer takes the memory
   * @throws UserException if the device cannot compute as the flags ask, or if the device has not
   *     as much memory as the rank takes
   */
  public static RankModel build(
      RunConfig config, int vocabSize, Device device, ParallelContext context, Closer closer) {
    requireFp8(config.precision(), device.obstacleToFp8());
    ModelConfig shape = config.model().withVocabSize(vocabSize);
    MemoryPlan plan =
        MemoryPlan.thatFits(
            PlanRequest.of(config, shape, context.globalRank()),
            bytesFree(device, context),
            config.distributed().ranksPerDevice());
    MemoryScope memory = closer.add(device.openScope("weights and optimizer"));
    ModelPart part =
        ModelPart.build(shape, config.parallel(), config.precision(), context, device, memory);
    return new RankModel(config, plan, memory, part);
  }

  /** Before anything is built, and not at the first product. */
  static void requireFp8(Precision precision, Optional<String> obstacle) {
    if (precision.fp8() != null && obstacle.isPresent()) {
      throw new UserException(
          "--fp8-format: %s (expected: 8.9 or later). Leave the --fp8-… flags out, and train in bf16."
              .formatted(obstacle.get()));
    }
  }

  /** For the ranks of the device together: all ranks look before any takes memory. */
  private static long bytesFree(Device device, ParallelContext context) {
    long bytesFree = device.bytesFree();
    context.world().barrier();
    return bytesFree;
  }

  /** Opens the run's tokenizer for as long as {@link #paddedVocabSize} needs it. */
  public static int paddedVocabSize(RunConfig config, Consumer<String> log) {
    try (Tokenizer tokenizer = Tokenizers.open(config.tokenizer())) {
      return paddedVocabSize(config, tokenizer, log);
    }
  }

  /** One that came from a checkpoint is kept; otherwise it follows from the tokenizer. */
  public static int paddedVocabSize(RunConfig config, Tokenizer tokenizer, Consumer<String> log) {
    int size = tokenizer.vocabSize();
    int known = config.model().sizes().vocabSize();
    if (known == 0) {
      int padded = config.tokenizer().paddedVocabSize(size, config.parallel().dims().tp());
      log.accept(StartupLines.paddedVocabulary(size, padded));
      log.accept(" > documents end with id %d".formatted(tokenizer.eodId()));
      return padded;
    }
    if (known < size) {
      throw new UserException(
          "padded_vocab_size: %d rows of the model (expected: at least the %d ids of the tokenizer)."
                  .formatted(known, size)
              + " Use the tokenizer that the model was trained with."
              + aboutAddedIds(config.tokenizer()));
    }
    return known;
  }

  private static String aboutAddedIds(TokenizerConfig tokenizer) {
    return tokenizer.type() == TokenizerType.SENTENCE_PIECE
        ? " SentencePieceTokenizer adds ids to those of its model; Llama2Tokenizer and"
            + " GPTSentencePieceTokenizer add none."
        : "";
  }

  /** Returns the shape of the whole model, with the vocabulary that followed from the tokenizer. */
  public ModelConfig shape() {
    return part.config();
  }

  public Device device() {
    return part.device();
  }

  /** Returns the parameters of this rank; undefined until they are initialised or loaded. */
  public ParameterBuffers parameters() {
    return part.parameters();
  }

  /** Returns what this rank exchanges with its replicas. */
  public DataParallel data() {
    return part.data();
  }

  /** Fills the weights with random numbers of the run's seed. */
  public void initialize() {
    new Initializer(device().kernels(), config.train().seed()).initialize(parameters());
  }

  public AdamW optimizer() {
    return new AdamW(
        config.optimizer(), config.precision().state(), data().shard(), device().kernels(), memory);
  }

  /**
   * @param closer takes the runner
   */
  public MicrobatchRunner<?> runner(Closer closer) {
    return closer.add(part.runner(config.train().batches().microBatchSize(), plan.microbatch()));
  }
}
