package io.tanuki4j.run;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.ReadHold;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.comm.timed.TimedFactory;
import io.tanuki4j.comm.timed.WaitMeter;
import io.tanuki4j.config.ArgumentDump;
import io.tanuki4j.config.BackendConfig;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.data.SampleCounts;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.profile.DeviceRates;
import io.tanuki4j.kernel.profile.ProfiledDevice;
import io.tanuki4j.metrics.ConsoleLog;
import io.tanuki4j.metrics.LogTail;
import io.tanuki4j.metrics.MetricsSink;
import io.tanuki4j.metrics.Reports;
import io.tanuki4j.metrics.RunInfo;
import io.tanuki4j.metrics.RunLog;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.metrics.sinks.Sinks;
import io.tanuki4j.model.FlopsPerToken;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerSchedule;
import io.tanuki4j.parallel.Agreement;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.Tokenizers;
import io.tanuki4j.train.BatchSources;
import io.tanuki4j.train.Evaluator;
import io.tanuki4j.train.Fp8Scales;
import io.tanuki4j.train.Fp8Statistics;
import io.tanuki4j.train.IterationLog;
import io.tanuki4j.train.MicrobatchRunner;
import io.tanuki4j.train.ParameterStatistics;
import io.tanuki4j.train.ProfileConfig;
import io.tanuki4j.train.Progress;
import io.tanuki4j.train.PublishedSaves;
import io.tanuki4j.train.Restorer;
import io.tanuki4j.train.RunClock;
import io.tanuki4j.train.RunState;
import io.tanuki4j.train.Saver;
import io.tanuki4j.train.StopRequest;
import io.tanuki4j.train.Timers;
import io.tanuki4j.train.TraceWindow;
import io.tanuki4j.train.TrainStep;
import io.tanuki4j.train.Trainer;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/** Builds every object of a rank in order: the one place that chooses implementations. */
public final class Assembly {
  private static final double TERA = 1e12;

  private final RunConfig config;
  private final int ranksHere;
  private final Closer closer;
  private final RunClock timing = RunClock.system();
  private final RunLog log;
  private final MetricsSink sink;
  private final Tokenizer tokenizer;
  private final Device device;
  private final @Nullable Double measuredTeraflops;
  private final Timers timers;
  private final ParallelContext context;
  private final RankModel model;
  private final Agreement agreement;
  private final RunData data;
  private final RankTurns turns;

  /**
   * Trains as the flags say; returns when the run is over or was asked to stop.
   *
   * @param afterSaves what follows each save
   */
  public static void pretrain(Resolved run, PrintStream out, PublishedSaves afterSaves) {
    StopRequest stop = new StopRequest();
    try (Signals signals = new Signals()) {
      assemble(run, out, ranks -> ranks.train(stop, signals, afterSaves));
    }
  }

  /** Loads a checkpoint and prints its loss on the validation and on the test data. */
  public static void evaluate(Resolved run, PrintStream out) {
    assemble(run, out, Assembly::evaluate);
  }

  private static void assemble(Resolved run, PrintStream out, Consumer<Assembly> work) {
    RankLauncher.run(
        run.config().distributed(),
        System.getenv(),
        out::println,
        (seat, closer) -> work.accept(new Assembly(run, seat, out, closer)));
  }

  /**
   * @param closer takes what is opened, so that it is closed also if building the rest fails
   */
  private Assembly(Resolved run, RankConnection seat, PrintStream out, Closer closer) {
    this.closer = closer;
    long start = timing.nanoTime().getAsLong();
    config = run.config();
    seat.requireSame(run.sharedFlags());
    ranksHere = seat.localWorldSize();
    RankGrid grid = config.parallel().grid();
    ReportingRanks ranks = ReportingRanks.of(grid, seat.globalRank());
    LogTail console = new LogTail(new ConsoleLog(out, System.err::println));
    log = ranks.log(console);
    sink =
        closer.add(
            ranks.reports()
                ? Sinks.open(config.sinks(), console, timing.clock(), System.getenv())
                : Sinks.none());
    Device opened = open(seat);
    ProfiledDevice profiled = isProfiled(seat.globalRank()) ? new ProfiledDevice(opened) : null;
    device = profiled == null ? opened : profiled;
    measuredTeraflops =
        config.sinks().measuresPeak() && peakTeraflops() == null
            ? (Double) (DeviceRates.measureFlops(device, config.precision().compute()) / TERA)
            : null;
    run.notices().forEach(log::message);
    if (config.logging().argumentDump()) {
      ArgumentDump.lines(config.arguments()).forEach(log::message);
    }
    tokenizer = closer.add(openTokenizer());
    int vocabSize = RankModel.paddedVocabSize(config, tokenizer, log::message);
    ProcessGroupFactory groups = closer.add(seat.processGroups(opened));
    if (profiled != null) {
      groups = new TimedFactory(groups, profiled::await);
    }
    WaitMeter waits = measuresWaits(config) ? closer.add(new WaitMeter(device)) : null;
    timers =
        closer.add(timers(waits, profiled == null ? null : window(profiled, seat.globalRank())));
    context =
        ParallelContext.create(grid, waits == null ? groups : new TimedFactory(groups, waits));
    logInitialized(start);
    model = buildModel(vocabSize);
    agreement = new Agreement(context.world(), device, model.memory());
    data = new RunData(config, tokenizer, context, log, closer);
    turns = new RankTurns(seat, agreement);
  }

  private Device open(RankConnection seat) {
    BackendConfig backend = config.backend();
    return Backends.open(backend, config.distributed(), seat, closer, log::message);
  }

  private Timers timers(@Nullable WaitMeter waits, @Nullable TraceWindow window) {
    return new Timers(
        config.logging(), timing.nanoTime(), device, waits == null ? Map::of : waits::take, window);
  }

  /** Writes Megatron's lines after the groups are made. */
  private void logInitialized(long start) {
    ParallelDims dims = config.parallel().dims();
    StartupLines.groups(dims.tp(), dims.pp()).forEach(log::message);
    log.message(StartupLines.randomSeeds(config.train().seed()));
    double seconds = (timing.nanoTime().getAsLong() - start) / 1e9;
    log.message("time to initialize megatron (seconds): %.3f".formatted(seconds));
    log.message(timing.dateTime("after megatron is initialized"));
  }

  private RankModel buildModel(int vocabSize) {
    log.message("building GPT model ...");
    RankModel built = RankModel.build(config, vocabSize, device, context, closer);
    log.message("memory planned: " + built.plan());
    log.ofPart(
        StartupLines.numberOfParameters(
            context.tp().rank(), context.pp().rank(), built.numParameters()));
    return built;
  }

  private boolean isProfiled(int globalRank) {
    ProfileConfig profile = config.profile();
    return profile != null && profile.ranks().contains(globalRank);
  }

  private TraceWindow window(ProfiledDevice profiled, int globalRank) {
    ProfileConfig profile = requireNonNull(config.profile());
    return closer.add(new TraceWindow(profile, profiled, globalRank, log::message));
  }

  /** Returns whether the log shows how long ranks wait for each other. */
  private static boolean measuresWaits(RunConfig config) {
    boolean wanted = config.logging().measuresParts() || config.logging().rankTimes();
    return wanted && config.distributed().worldSize() > 1;
  }

  private Tokenizer openTokenizer() {
    log.message(StartupLines.buildingTokenizer(config.tokenizer().type().megatronName()));
    return Tokenizers.open(config.tokenizer());
  }

  private void train(StopRequest stop, Signals signals, PublishedSaves afterSaves) {
    AdamW optimizer = model.optimizer(config.optimizer(), config.schedule().decoupled() != null);
    OptimizerSchedule schedule = new OptimizerSchedule(config.schedule());
    log.message(StartupLines.learningRateDecayStyle(config.schedule().rate().style().spelling()));
    RunState state =
        new RunState(
            model.parameters(),
            optimizer,
            schedule,
            vocabSize(),
            savedArguments(),
            context,
            model.builder().fp8());
    Saver saver =
        closer.add(
            new Saver(config.checkpoint().saving(), device, state, afterSaves, log::message));
    saver.open();
    saver.openStage(
        new Agreement(context.world(), device, model.memory()), HostMemory.share(ranksHere));
    Progress start = restore(state);
    log.message(timing.dateTime("after model, optimizer, and learning rate scheduler are built"));
    BatchSources splits = data.open(data.counts(), start, turns);
    log.message(timing.dateTime("after dataloaders are built"));
    log.message(StartupLines.DONE_WITH_SETUP);
    signals.intoRequests(stop); // until here there is nothing to save, so signals end it at once
    sink.start(runInfo(start));
    try {
      trainer(splits, state, saver, stop).run(start);
    } catch (RuntimeException | Error e) {
      sink.failed();
      throw e;
    }
  }

  private Progress restore(RunState state) {
    return new Restorer(
            config.checkpoint().loading(),
            config.train(),
            device,
            state,
            Checkpoints.FOREIGN,
            log::message)
        .restore()
        .orElseGet(() -> fromRandom(state));
  }

  private Progress fromRandom(RunState state) {
    model.initialize(config.train().seed());
    state.optimizer().resetMaster();
    return Progress.START;
  }

  private Trainer trainer(BatchSources splits, RunState state, Saver saver, StopRequest stop) {
    MicrobatchRunner<?> runner = model.runner(closer);
    return new Trainer(
        config.train(),
        new Trainer.Collaborators(
            new TrainStep(
                device,
                runner,
                model.data(),
                state.optimizer(),
                config.train().lossNormalization(),
                timers,
                model.memory()),
            new Evaluator(device, runner, model.data(), model.memory()),
            state.schedule(),
            splits,
            saver,
            log(state.optimizer()),
            stop,
            agreement,
            timers),
        reports(),
        config.logging().line().energy() ? withEnergy() : timing);
  }

  private RunClock withEnergy() {
    try {
      DoubleSupplier joules = device.energyCounter();
      int sharing = config.distributed().ranksPerGpu();
      return timing.withEnergy(() -> joules.getAsDouble() / sharing);
    } catch (UserException e) {
      log.message("--log-energy: %s The run logs no energy.".formatted(e.getMessage()));
      return timing;
    }
  }

  private RunInfo runInfo(Progress start) {
    return new RunInfo(
        config.arguments(),
        start.iteration(),
        start.consumedTrainSamples(),
        config.train().length().iterations(),
        config.model().sizes().seqLength(),
        new RunInfo.Ranks(
            config.parallel().grid().sizes(),
            device.info().name(),
            flopsPerSample() / context.world().size(),
            peakTeraflops(),
            measuredTeraflops));
  }

  /** Returns the peak TFLOP/s of a device: what the flag says, or else the table of devices. */
  private @Nullable Double peakTeraflops() {
    Double given = config.sinks().peakTeraflops();
    double known = config.precision().peakFlops(device.info());
    return given != null || known == 0 ? given : (Double) (known / TERA);
  }

  /** Returns the operations of forward and backward on all ranks, as Megatron counts them. */
  private double flopsPerSample() {
    return (double) FlopsPerToken.of(model.shape()) * config.model().sizes().seqLength();
  }

  private @Nullable Fp8Statistics fp8Statistics() {
    Fp8State fp8 = model.builder().fp8();
    return fp8 == null || !config.logging().fp8()
        ? null
        : new Fp8Statistics(
            device, context.world(), fp8, ModelParameters.PROJECTIONS, model.memory());
  }

  private IterationLog log(AdamW optimizer) {
    ParameterStatistics statistics = new ParameterStatistics(device, model.data(), model.memory());
    return new IterationLog(
        reports(),
        config.logging(),
        optimizer,
        statistics,
        fp8Statistics(),
        flopsPerSample() / context.world().size(),
        device,
        context.globalRank());
  }

  private void evaluate() {
    SampleCounts ofTraining = data.counts(); // the order of samples depends on their number
    SampleCounts counts = new SampleCounts(0, ofTraining.valid(), ofTraining.test());
    BatchSources splits = data.open(counts, Progress.START, turns);
    if (splits.valid() == null && splits.test() == null) {
      throw new UserException(
          "no validation or test data (expected: a --split with a second or third share above 0,"
              + " --valid-data-path, or --test-data-path).");
    }
    Checkpoint checkpoint =
        Checkpoints.find(config.checkpoint().loading(), TextExchange.over(context.world(), device));
    try (ReadHold hold = checkpoint.hold()) {
      List<ShardedTensor> weights = ShardedTensor.ofValues(model.parameters());
      checkpoint.load(device, StateKind.MODEL, weights, tokenizer.vocabSize());
      Fp8Scales.load(model.builder().fp8(), checkpoint, device, tokenizer.vocabSize());
    }
    Evaluator evaluator = new Evaluator(device, model.runner(closer), model.data(), model.memory());
    CheckpointLoss loss =
        new CheckpointLoss(evaluator, config.train(), checkpoint.state().iteration(), reports());
    loss.report(splits.valid(), "validation");
    loss.report(splits.test(), "test");
  }

  private Reports reports() {
    return new Reports(log, sink);
  }

  /** Returns the number of ids with rows of their own: the tokenizer's, or those it began with. */
  private int vocabSize() {
    Object before = config.arguments().get(MegatronArguments.TRUE_VOCABULARY);
    int ofCheckpoint = before instanceof Number number ? number.intValue() : 0;
    return Math.min(
        model.shape().sizes().vocabSize(), Math.max(tokenizer.vocabSize(), ofCheckpoint));
  }

  /** Returns the flags, with all that followed for the model. */
  private Map<String, @Nullable Object> savedArguments() {
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>(config.arguments());
    arguments.putAll(MegatronArguments.of(model.shape()));
    return arguments;
  }
}
