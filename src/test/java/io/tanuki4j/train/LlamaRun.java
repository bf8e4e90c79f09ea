package io.tanuki4j.train;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.reflect.TypeToken;
import io.tanuki4j.checkpoint.CheckpointConfig;
import io.tanuki4j.checkpoint.CheckpointConfig.Exports;
import io.tanuki4j.checkpoint.CheckpointConfig.Loading;
import io.tanuki4j.checkpoint.CheckpointConfig.Saving;
import io.tanuki4j.checkpoint.CheckpointConfig.Taken;
import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.ForeignCheckpoints;
import io.tanuki4j.config.Precision;
import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.DataConfig;
import io.tanuki4j.data.DataConfig.Blend;
import io.tanuki4j.data.DataConfig.Reading;
import io.tanuki4j.data.DataConfig.Sources;
import io.tanuki4j.data.Datasets;
import io.tanuki4j.data.DocumentMasks;
import io.tanuki4j.data.MicrobatchBuilder;
import io.tanuki4j.data.SampleCounts;
import io.tanuki4j.data.SequentialBatches;
import io.tanuki4j.data.TokenDataset;
import io.tanuki4j.metrics.LoggingConfig;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.model.GptChunk;
import io.tanuki4j.model.ModelBuilder;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.LossScaling;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.OptimizerSchedule;
import io.tanuki4j.optim.ScheduleConfig;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import io.tanuki4j.optim.ScheduleConfig.FinalDecay;
import io.tanuki4j.optim.ScheduleConfig.LearningRate;
import io.tanuki4j.optim.ScheduleConfig.WeightDecay;
import io.tanuki4j.parallel.Agreement;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.context.SequenceSharding;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.Tokenizers;
import io.tanuki4j.train.TrainConfig.Batches;
import io.tanuki4j.train.TrainConfig.Evaluations;
import io.tanuki4j.train.TrainConfig.Exits;
import io.tanuki4j.train.TrainConfig.Length;
import java.io.IOException;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A reference run with the real model and data, one sample per micro-batch. */
final class LlamaRun implements AutoCloseable {
  /** Grows twice in twelve iterations, and never overflows. */
  static final LossScaling SCALING = new LossScaling(0x1p10, 1, 5, 2);

  final RecordingSink sink = new RecordingSink();
  private final TestDevice device;
  private final GoldenRun golden;
  private final JsonObject flags;
  private final Options options;
  private final ModelConfig model;
  private final ParameterBuffers parameters;
  private final DataParallel data;
  private final AdamW optimizer;
  private final MicrobatchRunner<GptChunk.Saved> runner;

  /**
   * What differs between runs of the same reference.
   *
   * @param cache for the indices of the data
   * @param exitInterval null to train to the end
   * @param evalInterval iterations between evaluations
   */
  record Options(
      Path cache,
      @Nullable Path save,
      @Nullable Path load,
      @Nullable Integer exitInterval,
      int evalInterval) {}

  /** In fp32 on the CPU. */
  LlamaRun(GoldenRun golden, Options options) throws IOException {
    this(golden, options, new TestDevice(), Precision.FP32);
  }

  /**
   * @param device closes with this
   */
  LlamaRun(GoldenRun golden, Options options, TestDevice device, Precision precision)
      throws IOException {
    this(golden, options, device, precision, precision.compute() == DType.F16 ? SCALING : null);
  }

  /**
   * @param device closes with this
   */
  LlamaRun(
      GoldenRun golden,
      Options options,
      TestDevice device,
      Precision precision,
      @Nullable LossScaling lossScaling)
      throws IOException {
    this.device = device;
    this.golden = golden;
    this.options = options;
    this.flags = golden.expected().getAsJsonObject("config");
    this.model = golden.config();
    this.parameters =
        ParameterBuffers.allocate(
            ModelParameters.specs(model),
            device.scope(),
            precision.compute(),
            precision.gradients());
    device.kernels().elementwise().fill(parameters.values(), 0);
    loadReferenceWeights();
    this.data = DataParallel.alone(parameters, device.device());
    this.optimizer =
        new AdamW(
            new OptimizerConfig(0.9, 0.95, number("adam_eps"), number("clip"), lossScaling),
            precision.state(),
            data.shard(),
            device.kernels(),
            device.scope());
    this.runner =
        new MicrobatchRunner<>(
            device.device(),
            new ModelBuilder(model, device.device(), parameters, device.scope())
                .stage(StageLayers.even(model.sizes().numLayers(), 1, 1), 1),
            PipelineSchedule.forTraining(1),
            new MicrobatchTokens(model.sizes().seqLength(), 1, SequenceSharding.WHOLE),
            0);
  }

  /** Restores what is to be loaded, then trains. */
  void run() {
    OptimizerSchedule schedule = new OptimizerSchedule(schedule());
    RunState state =
        new RunState(
            parameters,
            optimizer,
            schedule,
            model.sizes().vocabSize(),
            Map.of("num_layers", 2),
            ParallelContext.single(device.device()));
    Progress start =
        new Restorer(
                checkpoints().loading(),
                train(),
                device.device(),
                state,
                ForeignCheckpoints.NONE,
                sink::message)
            .restore()
            .orElse(Progress.START);
    try (Datasets sets = datasets()) {
      BatchSources splits =
          new BatchSources(
              batches(sets.train(), start.consumedTrainSamples()),
              batches(sets.valid(), start.consumedValidSamples()),
              batches(sets.test(), 0));
      trainer(state, splits).run(start);
    }
  }

  /** The bits of weights and moments, by name. */
  Map<String, LongBuffer> state() {
    Map<String, LongBuffer> state = new TreeMap<>();
    for (Parameter parameter : parameters.all()) {
      state.put(parameter.name(), bits(device.read(parameter.value())));
    }
    optimizer.visitState(
        (kind, part, tensor) ->
            state.put(kind + "." + part.parameter().name(), bits(device.read(tensor))));
    return state;
  }

  List<Parameter> parameters() {
    return parameters.all();
  }

  double[] read(Parameter parameter) {
    return device.read(parameter.value());
  }

  @Override
  public void close() {
    runner.close();
    device.close();
  }

  private Trainer trainer(RunState state, BatchSources splits) {
    ParameterStatistics statistics = new ParameterStatistics(device.device(), data, device.scope());
    IterationLog log =
        new IterationLog(
            sink.reports(),
            new LoggingConfig(1, LoggingConfig.Line.SHORT),
            optimizer,
            statistics,
            /* fp8= */ null,
            0,
            device.device(),
            0);
    return new Trainer(
        train(),
        new Trainer.Collaborators(
            new TrainStep(
                device.device(),
                runner,
                data,
                optimizer,
                normalization(),
                Timers.none(device.device()),
                device.scope()),
            new Evaluator(device.device(), runner, data, device.scope()),
            state.schedule(),
            splits,
            new Saver(
                checkpoints().saving(), device.device(), state, PublishedSaves.NONE, sink::message),
            log,
            new StopRequest(),
            new Agreement(
                ParallelContext.single(device.device()).world(), device.device(), device.scope()),
            Timers.none(device.device())),
        sink.reports(),
        RunClock.system());
  }

  private void loadReferenceWeights() throws IOException {
    Map<String, double[]> weights = golden.weights();
    for (Parameter parameter : parameters.all()) {
      device.write(parameter.value(), GoldenRun.of(parameter.spec(), weights));
    }
  }

  private Datasets datasets() {
    List<String> paths =
        new Gson().fromJson(flags.get("data_path"), new TypeToken<List<String>>() {}.getType());
    Blend blend =
        Blend.parse(
            paths.stream()
                .map(path -> path.startsWith("@") ? inFolder(path.substring(1)) : path)
                .toList());
    DataConfig config =
        new DataConfig(
            new Sources(blend, null, null, null, flags.get("split").getAsString()),
            new Reading(options.cache, true, false, 1),
            model.sizes().seqLength(),
            integer("seed"),
            masks());
    SampleCounts counts =
        SampleCounts.of(
            integer("iters"),
            null,
            integer("gbs"),
            integer("eval_interval"),
            integer("eval_iters"));
    TokenizerConfig ids =
        new TokenizerConfig("NullTokenizer", null, model.sizes().vocabSize() - 1, 0, false, 1);
    return Datasets.build(config, counts, Tokenizers.open(ids));
  }

  private String inFolder(String name) {
    return golden.folder().resolve(name).toString();
  }

  private BatchSource batches(@Nullable TokenDataset dataset, long consumed) {
    return new SequentialBatches(
        Objects.requireNonNull(dataset),
        "golden",
        new SequentialBatches.Share(1, 0, 1),
        new MicrobatchBuilder(masks(), model.sizes().vocabSize() - 1),
        consumed);
  }

  private TrainConfig train() {
    return new TrainConfig(
        new Batches(1, integer("gbs"), 1, null),
        new Length(integer("iters"), null, false),
        new Evaluations(options.evalInterval, integer("eval_iters")),
        new Exits(options.exitInterval, null),
        normalization(),
        !optimizer.scalesLoss(),
        integer("seed"));
  }

  /** All of Megatron's flags for documents, or none. */
  private DocumentMasks masks() {
    boolean documents = model.training().samples().documents();
    return new DocumentMasks(documents, documents, documents);
  }

  private LossNormalization normalization() {
    return flags.has("per_token") && flags.get("per_token").getAsBoolean()
        ? LossNormalization.TOKENS
        : LossNormalization.MICROBATCHES;
  }

  private ScheduleConfig schedule() {
    int batch = integer("gbs");
    return new ScheduleConfig(
        new LearningRate(
            DecayStyle.COSINE,
            number("lr"),
            number("min_lr"),
            0,
            integer("warmup") * batch,
            integer("decay") * batch),
        new FinalDecay(DecayStyle.EXPONENTIAL, 0),
        new WeightDecay(DecayStyle.CONSTANT, number("wd"), number("wd"), integer("iters") * batch));
  }

  private CheckpointConfig checkpoints() {
    return new CheckpointConfig(
        new Saving(options.save, 0, false, Retention.ALL, true, Exports.NONE),
        new Loading(options.load, null, null, false, false, new Taken(false, true, false, false)));
  }

  private int integer(String key) {
    return flags.get(key).getAsInt();
  }

  private double number(String key) {
    return flags.get(key).getAsDouble();
  }

  private static LongBuffer bits(double[] values) {
    return LongBuffer.wrap(Arrays.stream(values).mapToLong(Double::doubleToRawLongBits).toArray());
  }
}
