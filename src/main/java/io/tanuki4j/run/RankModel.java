package io.tanuki4j.run;

import io.tanuki4j.config.Precision;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.model.GptChunk;
import io.tanuki4j.model.ModelBuilder;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.fp8.FlatWeights;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.LayerCommunication;
import io.tanuki4j.parallel.Layout;
import io.tanuki4j.parallel.ParallelConfig;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankOrder;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.context.SequenceSharding;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.data.OptimizerShard;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.parallel.pipeline.PipelineStage;
import io.tanuki4j.parallel.tensor.SharedScales;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.TokenizerType;
import io.tanuki4j.tokenizer.Tokenizers;
import io.tanuki4j.train.MicrobatchRunner;
import io.tanuki4j.train.MicrobatchTokens;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * A rank's part of a model in the memory of its device, all of it if there is one rank: what
 * training, evaluation, measuring and planning begin with.
 *
 * @param request what was built
 * @param plan of all that the rank takes
 * @param memory for as long as the model is used
 * @param parameters zero until they are initialised or loaded
 * @param data what the rank exchanges with its replicas
 */
public record RankModel(
    PlanRequest request,
    MemoryPlan plan,
    ParallelContext context,
    Device device,
    MemoryScope memory,
    ParameterBuffers parameters,
    DataParallel data,
    ModelBuilder builder) {
  /** What --decoupled-lr is for. */
  private static final Set<String> ENDS = Set.of(ModelParameters.EMBEDDING, ModelParameters.OUTPUT);

  /**
   * Builds a rank of a run.
   *
   * @param vocabSize see {@link #paddedVocabSize}
   * @param context whose groups have their tensors on the device
   * @param closer takes the memory
   * @throws UserException if the device cannot compute as the flags ask, or if the device has not
   *     as much memory as the rank takes
   */
  public static RankModel build(
      RunConfig config, int vocabSize, Device device, ParallelContext context, Closer closer) {
    requireFp8(config.precision(), device.obstacleToFp8());
    PlanRequest request =
        PlanRequest.of(config, config.model().withVocabSize(vocabSize), context.globalRank());
    MemoryPlan plan =
        MemoryPlan.thatFits(
            request, bytesFree(device, context), config.distributed().ranksPerDevice());
    MemoryScope memory = closer.add(device.openScope("weights and optimizer"));
    return build(request, plan, context, device, memory);
  }

  /**
   * Builds a rank's part of a model.
   *
   * @param plan {@link MemoryPlan#NONE} if there is none
   */
  public static RankModel build(
      PlanRequest request,
      MemoryPlan plan,
      ParallelContext context,
      Device device,
      MemoryScope memory) {
    ModelConfig config = request.model();
    Precision precision = request.precision();
    DataParallelConfig replicas = request.parallel().dataParallel();
    List<ParameterSpec> specs =
        ModelParameters.specs(config, request.layers(), context.grid(), context.globalRank());
    ParameterBuffers parameters =
        ParameterBuffers.allocate(
            specs,
            replicas.bucketPlan(
                context.dpCp().size(),
                Set.of(ModelParameters.EMBEDDING),
                ModelParameters.narrow(specs, precision.fp8(), config)),
            memory,
            precision.compute(),
            precision.gradients());
    device.kernels().elementwise().fill(parameters.values(), 0); // the gaps between them, too
    ModelBuilder builder =
        new ModelBuilder(
            config,
            context,
            request.parallel().communication(),
            precision.fp8(),
            device,
            parameters,
            memory);
    Fp8State fp8 = builder.fp8();
    FlatWeights gathered =
        fp8 == null || !replicas.narrowParamGather()
            ? null
            : fp8.flattenWeights(parameters, SharedScales.largest(context), memory);
    DataParallel data = new DataParallel(replicas, parameters, context, builder.tied(), gathered);
    return new RankModel(request, plan, context, device, memory, parameters, data, builder);
  }

  /**
   * Refuses FP8 products before anything is built, and not at the first one.
   *
   * @param obstacle that a device has to them
   */
  public static void requireFp8(Precision precision, Optional<String> obstacle) {
    if (precision.fp8() != null && obstacle.isPresent()) {
      throw new UserException(
          "--fp8-format: %s (expected: 8.9 or later). Leave the --fp8-… flags out, and train in bf16."
              .formatted(obstacle.get()));
    }
  }

  /** Returns the free memory of the device. All ranks look before any takes memory. */
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

  /**
   * Returns the padded size of the vocabulary. One that came from a checkpoint is kept; otherwise
   * it follows from the tokenizer.
   */
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
    return request.model();
  }

  /** Returns the number of parameters that this rank has. */
  long numParameters() {
    return parameters.all().stream().mapToLong(one -> one.value().numElements()).sum();
  }

  /** Fills the weights with random numbers of the run's seed. */
  public void initialize(int seed) {
    new Initializer(device.kernels(), seed).initialize(parameters);
  }

  /**
   * @param decoupled whether the embedding and the output have a learning rate of their own
   */
  public AdamW optimizer(OptimizerConfig config, boolean decoupled) {
    OptimizerShard shard = decoupled ? data.shard().withApart(ENDS) : data.shard();
    return new AdamW(config, request.precision().state(), shard, device.kernels(), memory);
  }

  /**
   * Returns a runner of micro-batches through this part.
   *
   * @param closer takes the runner
   */
  public MicrobatchRunner<?> runner(Closer closer) {
    int microBatchSize = request.microBatchSize();
    PipelineStage<GptChunk.Saved> stage = builder.stage(request.layers(), microBatchSize);
    MicrobatchTokens tokens =
        new MicrobatchTokens(
            shape().sizes().seqLength(), microBatchSize, SequenceSharding.of(context));
    PipelineSchedule schedule = PipelineSchedule.of(request.parallel());
    return closer.add(new MicrobatchRunner<>(device, stage, schedule, tokens, plan.microbatch()));
  }

  /**
   * A rank of a run: what is built, and whose memory is planned.
   *
   * @param model with its vocabulary
   */
  public record PlanRequest(
      ModelConfig model,
      Precision precision,
      int microBatchSize,
      ParallelConfig parallel,
      int globalRank) {
    /** Returns the part of the model that a rank of a run has. */
    public static PlanRequest of(RunConfig config, ModelConfig model, int globalRank) {
      return new PlanRequest(
          model,
          config.precision(),
          config.train().batches().microBatchSize(),
          config.parallel(),
          globalRank);
    }

    /** Returns the only rank that computes with a whole model in FP32, a sample at a time. */
    public static PlanRequest whole(ModelConfig model) {
      StageLayers layers = StageLayers.even(model.sizes().numLayers(), 1, 1);
      ParallelConfig alone =
          new ParallelConfig(
              new Layout(ParallelDims.SINGLE, layers),
              RankOrder.TP_CP_DP_PP,
              /* zeroBubble= */ false,
              LayerCommunication.PLAIN,
              DataParallelConfig.PLAIN);
      return new PlanRequest(model, Precision.FP32, 1, alone, 0);
    }

    /** Returns the layers of each stage and chunk. */
    StageLayers layers() {
      return parallel.layout().layers();
    }

    /** Returns whether several ranks keep the same optimizer state. */
    boolean repeatsOptimizer() {
      ParallelDims dims = parallel.dims();
      return dims.dp() * dims.cp() > 1 && !parallel.dataParallel().distributedOptimizer();
    }

    PlanRequest withDistributedOptimizer() {
      return new PlanRequest(
          model, precision, microBatchSize, parallel.withDistributedOptimizer(), globalRank);
    }

    PlanRequest withMicroBatchSize(int size) {
      return new PlanRequest(model, precision, size, parallel, globalRank);
    }

    PlanRequest withPrecision(Precision other) {
      return new PlanRequest(model, other, microBatchSize, parallel, globalRank);
    }

    PlanRequest withRecompute(Recompute recompute) {
      return new PlanRequest(
          model.withRecompute(recompute), precision, microBatchSize, parallel, globalRank);
    }
  }
}
