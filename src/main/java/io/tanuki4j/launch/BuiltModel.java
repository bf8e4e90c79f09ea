package io.tanuki4j.launch;

import io.tanuki4j.config.RunConfig;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.model.GptChunk;
import io.tanuki4j.model.ModelBuilder;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.train.MicrobatchRunner;
import java.util.function.Consumer;

/**
 * A run's model in the memory of its device: what training, evaluation and measuring begin with.
 *
 * @param shape with the vocabulary that followed from the tokenizer
 * @param plan of all that the run takes
 * @param memory for as long as the model is used
 * @param parameters undefined until they are initialised or loaded
 */
record BuiltModel(
    RunConfig config,
    ModelConfig shape,
    Device device,
    MemoryPlan plan,
    MemoryScope memory,
    ParameterBuffers parameters,
    GptChunk chunk) {

  /**
   * @param vocabSize see {@link #paddedVocabSize}
   * @param closer takes the memory
   * @throws IllegalArgumentException if the device has not as much memory as the run takes
   */
  static BuiltModel build(RunConfig config, int vocabSize, Device device, Closer closer) {
    ModelConfig shape = config.model().withVocabSize(vocabSize);
    MemoryPlan plan = MemoryPlan.thatFits(config, shape, device.bytesFree());
    MemoryScope memory = closer.add(device.openScope("weights and optimizer"));
    ParameterBuffers parameters =
        ParameterBuffers.allocate(
            ModelParameters.specs(shape),
            memory,
            config.precision().compute(),
            config.precision().gradients());
    GptChunk chunk = new ModelBuilder(shape, device, parameters, memory).build();
    return new BuiltModel(config, shape, device, plan, memory, parameters, chunk);
  }

  /** One that came from a checkpoint is kept; otherwise it follows from the tokenizer. */
  static int paddedVocabSize(RunConfig config, Tokenizer tokenizer, Consumer<String> log) {
    int size = tokenizer.vocabSize();
    int known = config.model().vocabSize();
    if (known == 0) {
      int padded = config.tokenizer().paddedVocabSize(size, 1);
      log.accept(StartupLines.paddedVocabulary(size, padded));
      log.accept(" > documents end with id %d".formatted(tokenizer.eodId()));
      return padded;
    }
    if (known < size) {
      throw new IllegalArgumentException(
          "padded_vocab_size: %d (expected: at least the %d ids of the tokenizer). Use the tokenizer"
                  .formatted(known, size)
              + " that the checkpoint was trained with.");
    }
    return known;
  }

  /** Fills the weights with random numbers of the run's seed. */
  void initialize() {
    new Initializer(device.kernels(), config.train().seed()).initialize(parameters);
  }

  AdamW optimizer() {
    return new AdamW(
        config.optimizer(), config.precision().state(), parameters, device.kernels(), memory);
  }

  /**
   * @param closer takes the runner
   */
  MicrobatchRunner<?> runner(Closer closer) {
    int microBatchSize = config.train().microBatchSize();
    return closer.add(
        new MicrobatchRunner<>(
            device, chunk, shape.seqLength(), microBatchSize, plan.activations()));
  }
}
