package io.tanuki4j.launch;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.Part;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.config.ArgumentDump;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.DataConfig;
import io.tanuki4j.data.Datasets;
import io.tanuki4j.data.Prefetcher;
import io.tanuki4j.data.SampleCounts;
import io.tanuki4j.data.SequentialBatches;
import io.tanuki4j.data.SequentialBatches.Share;
import io.tanuki4j.data.TokenDataset;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.launch.options.PretrainOptions.Resolved;
import io.tanuki4j.metrics.ConsoleSink;
import io.tanuki4j.metrics.EvaluationMetrics;
import io.tanuki4j.metrics.FanOutSink;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.model.FlopsPerToken;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerSchedule;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.Tokenizers;
import io.tanuki4j.train.Evaluator;
import io.tanuki4j.train.IterationLog;
import io.tanuki4j.train.MicrobatchRunner;
import io.tanuki4j.train.ParameterStatistics;
import io.tanuki4j.train.Progress;
import io.tanuki4j.train.Restorer;
import io.tanuki4j.train.RunState;
import io.tanuki4j.train.Saver;
import io.tanuki4j.train.Splits;
import io.tanuki4j.train.StopRequest;
import io.tanuki4j.train.Timing;
import io.tanuki4j.train.TrainConfig;
import io.tanuki4j.train.TrainStep;
import io.tanuki4j.train.Trainer;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/** Builds every object of a run in order: the one place that chooses implementations. */
final class Assembly {
  /** Micro-batches that each source of data reads ahead for every worker. */
  private static final int PREFETCH = 2;

  private final RunConfig config;
  private final Closer closer;
  private final Timing timing = Timing.system();
  private final MetricsSink sink;
  private final Tokenizer tokenizer;
  private final Device device;
  private final BuiltModel model;

  /** Trains as the flags say; returns when the run is over or was asked to stop. */
  static void pretrain(Resolved run, PrintStream out) {
    try (Closer closer = new Closer()) {
      new Assembly(run, out, closer).train();
    }
  }

  /** Loads a checkpoint and prints its loss on the validation and on the test data. */
  static void evaluate(Resolved run, PrintStream out) {
    try (Closer closer = new Closer()) {
      new Assembly(run, out, closer).evaluate();
    }
  }

  /**
   * @param closer takes what is opened, so that it is closed also if building the rest fails
   */
  private Assembly(Resolved run, PrintStream out, Closer closer) {
    this.closer = closer;
    long start = timing.nanoTime().getAsLong();
    config = run.config();
    sink = closer.add(new FanOutSink(List.of(new ConsoleSink(out, timing.clock()))));
    device = Backends.open(config.backend(), closer, sink::message);
    run.notices().forEach(sink::message);
    ArgumentDump.lines(config.arguments()).forEach(sink::message);
    tokenizer = closer.add(openTokenizer());
    int vocabSize = BuiltModel.paddedVocabSize(config, tokenizer, sink::message);
    sink.message(StartupLines.randomSeeds(config.train().seed()));
    double seconds = (timing.nanoTime().getAsLong() - start) / 1e9;
    sink.message("time to initialize megatron (seconds): %.3f".formatted(seconds));
    sink.message(timing.dateTime("after megatron is initialized"));

    sink.message("building GPT model ...");
    model = BuiltModel.build(config, vocabSize, device, closer);
    sink.message("memory planned: " + model.plan());
    sink.message(StartupLines.numberOfParameters(0, 0, ModelParameters.count(model.shape())));
  }

  private Tokenizer openTokenizer() {
    sink.message(StartupLines.buildingTokenizer(config.tokenizer().type()));
    return Tokenizers.open(config.tokenizer());
  }

  private void train() {
    StopRequest stop = new StopRequest();
    closer.add(Signals.intoRequests(stop));
    AdamW optimizer = model.optimizer();
    OptimizerSchedule schedule = new OptimizerSchedule(config.schedule());
    sink.message(
        StartupLines.learningRateDecayStyle(
            String.valueOf(config.arguments().get("lr_decay_style"))));
    RunState state =
        new RunState(
            model.parameters(),
            optimizer,
            schedule,
            tokenizer.vocabSize(),
            savedArguments(),
            ParallelContext.single(device));
    Progress start = restore(state);
    sink.message(timing.dateTime("after model, optimizer, and learning rate scheduler are built"));
    Splits splits = splits(sampleCounts(), start);
    sink.message(StartupLines.DONE_WITH_SETUP);
    trainer(optimizer, schedule, splits, state, stop).run(start);
  }

  private Progress restore(RunState state) {
    return new Restorer(config.checkpoint(), config.train(), device, state, sink::message)
        .restore()
        .orElseGet(() -> fromRandom(state));
  }

  private Progress fromRandom(RunState state) {
    model.initialize();
    state.optimizer().resetMaster();
    return Progress.START;
  }

  private Trainer trainer(
      AdamW optimizer,
      OptimizerSchedule schedule,
      Splits splits,
      RunState state,
      StopRequest stop) {
    MicrobatchRunner<?> runner = model.runner(closer);
    ParameterStatistics statistics =
        new ParameterStatistics(device, model.parameters(), model.memory());
    double flopsPerSample = (double) FlopsPerToken.of(model.shape()) * config.model().seqLength();
    return new Trainer(
        config.train(),
        new Trainer.Parts(
            new TrainStep(device, runner, optimizer, model.memory()),
            new Evaluator(device, runner, model.memory()),
            schedule,
            splits,
            new Saver(config.checkpoint(), device, state, sink::message),
            new IterationLog(sink, config.logging(), optimizer, statistics, flopsPerSample, device),
            stop),
        sink,
        timing);
  }

  private void evaluate() {
    Checkpoint checkpoint = Checkpoints.find(config.checkpoint());
    checkpoint.load(
        device, Part.MODEL, ShardedTensor.ofValues(model.parameters()), tokenizer.vocabSize());
    SampleCounts ofTraining = sampleCounts(); // the order of samples depends on their number
    Splits splits =
        splits(new SampleCounts(0, ofTraining.valid(), ofTraining.test()), Progress.START);
    Evaluator evaluator = new Evaluator(device, model.runner(closer), model.memory());
    evaluate(evaluator, splits.valid(), checkpoint, "validation");
    evaluate(evaluator, splits.test(), checkpoint, "test");
  }

  private void evaluate(
      Evaluator evaluator, @Nullable BatchSource source, Checkpoint checkpoint, String set) {
    if (source == null) {
      sink.message("no " + set + " data");
      return;
    }
    TrainConfig train = config.train();
    long iteration = checkpoint.state().iteration();
    evaluator
        .run(
            source,
            train.evalIterations(),
            train.globalBatchSize() / train.microBatchSize(),
            batch -> true)
        .map(
            loss ->
                new EvaluationMetrics(
                    "iteration %d on %s set".formatted(iteration, set), iteration, loss.lm()))
        .ifPresent(sink::evaluation);
  }

  /** The flags, with the vocabulary that followed from the tokenizer. */
  private Map<String, @Nullable Object> savedArguments() {
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>(config.arguments());
    arguments.put("padded_vocab_size", model.shape().vocabSize());
    return arguments;
  }

  private SampleCounts sampleCounts() {
    return SampleCounts.of(
        config.train().trainIterations(),
        config.train().trainSamples(),
        config.train().globalBatchSize(),
        config.train().evalInterval(),
        config.train().evalIterations());
  }

  private Splits splits(SampleCounts counts, Progress start) {
    sink.message("> building train, validation, and test datasets ...");
    StartupLines.targetSizes(counts.train(), counts.valid(), counts.test()).forEach(sink::message);
    sink.message("> building train, validation, and test datasets for GPT ...");
    Datasets datasets = closer.add(Datasets.build(config.data(), counts, tokenizer));
    sink.message("> finished creating GPT datasets ...");
    Splits splits =
        new Splits(
            batches(datasets.train(), "train", start.consumedTrainSamples()),
            batches(datasets.valid(), "validation", start.consumedValidSamples()),
            batches(datasets.test(), "test", 0));
    sink.message(timing.dateTime("after dataloaders are built"));
    return splits;
  }

  private @Nullable BatchSource batches(
      @Nullable TokenDataset dataset, String name, long consumed) {
    if (dataset == null) {
      return null;
    }
    DataConfig data = config.data();
    OptionalInt masked =
        data.eodMaskLoss() ? OptionalInt.of(tokenizer.eodId()) : OptionalInt.empty();
    BatchSource source =
        new SequentialBatches(
            dataset, name, new Share(config.train().microBatchSize(), 0, 1), masked, consumed);
    return data.numWorkers() == 0
        ? source
        : closer.add(new Prefetcher(source, PREFETCH * data.numWorkers()));
  }
}
