package io.tanuki4j.train;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.checkpoint.CheckpointConfig;
import io.tanuki4j.checkpoint.CheckpointConfig.Exports;
import io.tanuki4j.checkpoint.CheckpointConfig.Loading;
import io.tanuki4j.checkpoint.CheckpointConfig.Saving;
import io.tanuki4j.checkpoint.CheckpointConfig.Taken;
import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.ForeignCheckpoints;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.metrics.LoggingConfig;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.OptimizerSchedule;
import io.tanuki4j.optim.ScheduleConfig;
import io.tanuki4j.optim.ScheduleConfig.DecayStyle;
import io.tanuki4j.optim.ScheduleConfig.FinalDecay;
import io.tanuki4j.optim.ScheduleConfig.LearningRate;
import io.tanuki4j.optim.ScheduleConfig.WeightDecay;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.parallel.Agreement;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.train.TrainConfig.Batches;
import io.tanuki4j.train.TrainConfig.Evaluations;
import io.tanuki4j.train.TrainConfig.Exits;
import io.tanuki4j.train.TrainConfig.Length;
import io.tanuki4j.train.TrainConfig.Rampup;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.DoubleSupplier;
import org.jspecify.annotations.Nullable;

/**
 * A whole run of {@link QuadraticChunk} with everything real but model and data. Global batches of
 * 2; a clock that goes on by one millisecond whenever it is read.
 */
final class TinyRun implements AutoCloseable {
  static final int GLOBAL_BATCH = 2;

  final RecordingSink sink = new RecordingSink();
  final StopRequest stop = new StopRequest();
  final Device device = new CpuBackend(1).openDevice(0);
  final ParameterBuffers parameters;
  final DataParallel data;
  final AdamW optimizer;
  final OptimizerSchedule schedule;
  final AtomicLong nanos = new AtomicLong();
  private final Settings settings;
  private final MemoryScope scope = device.openScope("test");
  private @Nullable Saver saver;
  private final MicrobatchRunner<?> runner;
  private final TrainStep step;
  private final Evaluator evaluator;
  private final ParameterStatistics statistics;

  /** What tests change. */
  public static final class Settings {
    int iterations = 12;
    int logInterval = 1;
    int evalInterval = 100;
    int evalIterations = 1;
    @Nullable Integer exitInterval;
    @Nullable Double exitMinutes;
    @Nullable Rampup rampup;
    boolean skipTrain;
    boolean checkForNan = true;
    boolean logAll;
    DoubleSupplier joules = () -> Double.NaN;
    double rate = 0.01;
    double clip = 1;
    @Nullable Path save;
    @Nullable Path load;
    @Nullable Path pretrained;
    int saveInterval;
    @Nullable Integer loadIteration;
    boolean takeOlder;
    boolean asyncSave;
    long stageBytes = 1 << 20;
    Retention retention = Retention.ALL;
    boolean finetune;
    boolean loadOptimizer = true;
    boolean saveOptimizer = true;
    boolean exitOnMissing;
    boolean overrideSchedule;
    long trainSamples = 1000;
    long validSamples = 1000;
    long brokenValidSample = -1;

    TrainConfig train() {
      return new TrainConfig(
          new Batches(1, GLOBAL_BATCH, 1, rampup),
          new Length(iterations, null, skipTrain),
          new Evaluations(evalInterval, evalIterations),
          new Exits(exitInterval, exitMinutes),
          LossNormalization.MICROBATCHES,
          checkForNan,
          1);
    }

    CheckpointConfig checkpoint() {
      return new CheckpointConfig(
          new Saving(save, saveInterval, asyncSave, retention, saveOptimizer, Exports.NONE),
          new Loading(
              load,
              loadIteration,
              pretrained,
              takeOlder,
              exitOnMissing,
              new Taken(finetune, loadOptimizer, overrideSchedule, false)));
    }

    ScheduleConfig schedule() {
      return new ScheduleConfig(
          new LearningRate(DecayStyle.COSINE, rate, 0, 0, 4, 24),
          new FinalDecay(DecayStyle.LINEAR, 0),
          new WeightDecay(DecayStyle.CONSTANT, 0.1, 0.1, 24));
    }
  }

  TinyRun(Settings settings) {
    this.settings = settings;
    this.parameters = ParameterBuffers.allocate(QuadraticChunk.SPECS, scope, DType.F32, DType.F32);
    device.kernels().elementwise().fill(parameters.values(), 0);
    device.kernels().elementwise().fill(parameters.get("weight").value(), 1);
    this.data = DataParallel.alone(parameters, device);
    this.optimizer =
        new AdamW(
            new OptimizerConfig(0.9, 0.95, 1e-8, settings.clip),
            StateTypes.wide(DType.F32),
            data.shard(),
            device.kernels(),
            scope);
    this.schedule = new OptimizerSchedule(settings.schedule());
    this.runner =
        new MicrobatchRunner<>(
            device, new QuadraticChunk(device, parameters), ListSource.SEQ_LENGTH, 1, 0);
    this.step = new TrainStep(device, runner, data, optimizer, scope);
    this.evaluator = new Evaluator(device, runner, data, scope);
    this.statistics = new ParameterStatistics(device, data, scope);
  }

  /** Restores what is to be loaded, then runs. */
  Progress run() {
    RunState state =
        new RunState(
            parameters,
            optimizer,
            schedule,
            QuadraticChunk.NUM_WEIGHTS,
            Map.of("num_layers", 1),
            ParallelContext.single(device));
    Optional<Progress> restored =
        new Restorer(
                settings.checkpoint().loading(),
                settings.train(),
                device,
                state,
                ForeignCheckpoints.NONE,
                sink::message)
            .restore();
    Progress start = restored.orElse(Progress.START);
    trainer(state, start).run(start);
    return start;
  }

  double[] weights() {
    return QuadraticChunk.download(device, parameters.get("weight").value());
  }

  private Trainer trainer(RunState state, Progress start) {
    BatchSources splits =
        new BatchSources(
            new ListSource(settings.trainSamples, start.consumedTrainSamples()),
            new ListSource(
                settings.validSamples, start.consumedValidSamples(), settings.brokenValidSample),
            new ListSource(1000, 0));
    IterationLog log =
        new IterationLog(
            sink.reports(),
            new LoggingConfig(
                settings.logInterval,
                new LoggingConfig.Line(
                    settings.logAll, settings.logAll, settings.logAll, settings.logAll)),
            optimizer,
            statistics,
            /* fp8= */ null,
            3e9,
            device,
            0);
    saver =
        new Saver(
            settings.checkpoint().saving(), device, state, PublishedSaves.NONE, sink::message);
    saver.openStage(agreement(), settings.stageBytes);
    Agreement agreement = agreement();
    Clock clock = Clock.fixed(Instant.parse("2025-01-31T12:34:56Z"), ZoneOffset.UTC);
    return new Trainer(
        settings.train(),
        new Trainer.Collaborators(
            step, evaluator, schedule, splits, saver, log, stop, agreement, Timers.none(device)),
        sink.reports(),
        new RunClock(clock, () -> nanos.addAndGet(1_000_000), settings.joules));
  }

  private Agreement agreement() {
    return new Agreement(ParallelContext.single(device).world(), device, scope);
  }

  @Override
  public void close() {
    closeSaver();
    runner.close();
    scope.close();
    device.close();
  }

  private void closeSaver() {
    try {
      if (saver != null) {
        saver.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
