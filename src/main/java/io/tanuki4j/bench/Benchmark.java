package io.tanuki4j.bench;

import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.data.RandomBatches;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceTimer;
import io.tanuki4j.kernel.profile.DeviceRates;
import io.tanuki4j.kernel.profile.KernelProfile;
import io.tanuki4j.kernel.profile.ProfiledDevice;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.run.Backends;
import io.tanuki4j.run.Closer;
import io.tanuki4j.run.RankLauncher;
import io.tanuki4j.run.RankModel;
import io.tanuki4j.train.StepResult;
import io.tanuki4j.train.TrainStep;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Measures the iterations of a run on random tokens: whole iterations, the optimizer included, as
 * training does them. How fast the device is at its best is measured right after, while it is warm.
 */
public final class Benchmark {
  /** The first iteration takes memory, the second records: from then on all do the same work. */
  public static final int MIN_WARMUP = 2;

  private final RunConfig config;
  private final Settings settings;
  private final ProfiledDevice device;
  private final RankModel model;
  private final TrainStep step;
  private final RandomBatches batches;

  /**
   * @param iterations that are measured
   * @param warmup iterations before, {@link #MIN_WARMUP} at least
   * @param profiled iterations after, whose kernels are timed one by one; 0 for none
   */
  public record Settings(int iterations, int warmup, int profiled) {}

  /**
   * @param table of the kernels, empty without a profile
   */
  public record Result(BenchReport report, List<String> table) {}

  /** What was found out while the model was in memory. */
  private record Measured(
      BenchReport.Run run,
      ModelConfig shape,
      double[] millis,
      BenchReport.Memory memory,
      HeapUse heap,
      double secondsToFirstIteration,
      double loss,
      @Nullable KernelProfile profile) {}

  /**
   * @param log gets lines about what is going on, once
   * @return empty in a process that has not the first rank
   */
  public static Optional<Result> run(Resolved run, Settings settings, Consumer<String> log) {
    AtomicReference<@Nullable Result> ofFirstRank = new AtomicReference<>();
    RankLauncher.run(
        run.config().distributed(),
        System.getenv(),
        log,
        (seat, closer) -> {
          boolean first = seat.globalRank() == 0;
          Result result = run(run, settings, seat, closer, first ? log : line -> {});
          if (first) {
            ofFirstRank.set(result);
          }
        });
    return Optional.ofNullable(ofFirstRank.get());
  }

  private static Result run(
      Resolved run, Settings settings, RankConnection seat, Closer closer, Consumer<String> log) {
    RunConfig config = run.config();
    seat.requireSame(run.sharedFlags());
    Device device = Backends.open(config.backend(), config.distributed(), seat, closer, log);
    run.notices().forEach(log);
    int vocabSize = RankModel.paddedVocabSize(config, log);
    ParallelContext context =
        ParallelContext.create(config.parallel().grid(), closer.add(seat.processGroups(device)));
    Measured measured = measure(config, settings, new ProfiledDevice(device), context, vocabSize);
    DeviceRates rates = DeviceRates.measure(device, config.precision().compute());
    return result(measured, config.train().batches().globalBatchSize(), rates, device);
  }

  /** Gives the memory of the model back, so that the rates of the device find room. */
  private static Measured measure(
      RunConfig config,
      Settings settings,
      ProfiledDevice device,
      ParallelContext context,
      int vocabSize) {
    try (Closer closer = new Closer()) {
      RankModel model = RankModel.build(config, vocabSize, device, context, closer);
      Measured measured = new Benchmark(config, settings, device, model, closer).measure();
      model.data().awaitWeights();
      return measured;
    }
  }

  private Benchmark(
      RunConfig config, Settings settings, ProfiledDevice device, RankModel model, Closer closer) {
    this.config = config;
    this.settings = settings;
    this.device = device;
    this.model = model;
    model.initialize(config.train().seed());
    Fp8State fp8 = model.builder().fp8();
    if (fp8 != null && config.logging().fp8()) {
      fp8.startTallies(model.memory());
    }
    step =
        new TrainStep(
            device,
            model.runner(closer),
            model.data(),
            model.optimizer(config.optimizer(), config.schedule().decoupled() != null),
            model.memory());
    batches =
        new RandomBatches(
            model.shape().sizes().seqLength(),
            config.train().batches().microBatchSize(),
            model.shape().sizes().vocabSize(),
            numMicrobatches(),
            config.train().seed() + model.context().dp().rank());
  }

  private int numMicrobatches() {
    return config.train().batches().numMicrobatches(config.train().batches().globalBatchSize());
  }

  private Measured measure() {
    iterate();
    device.synchronize();
    double secondsToFirstIteration = HeapUse.secondsSinceStartOfJvm();
    iterate();
    long bytesEarly = device.bytesHeld();
    for (int i = 2; i < settings.warmup(); i++) {
      iterate();
    }
    device.synchronize();
    HeapUse heap = HeapUse.now();
    double[] millis = times();
    return new Measured(
        BenchReport.run(config, model, settings.iterations()),
        model.shape(),
        millis,
        BenchReport.Memory.of(model, bytesEarly),
        HeapUse.now().since(heap),
        secondsToFirstIteration,
        loss(),
        settings.profiled() > 0 ? profile() : null);
  }

  private double[] times() {
    try (DeviceTimer timer = device.openTimer(settings.iterations() + 1)) {
      timer.mark(0);
      for (int i = 1; i <= settings.iterations(); i++) {
        iterate();
        timer.mark(i);
      }
      double[] millis = new double[settings.iterations()];
      Arrays.setAll(millis, i -> timer.millisBetween(i, i + 1));
      return millis;
    }
  }

  private KernelProfile profile() {
    device.startProfile();
    for (int i = 0; i < settings.profiled(); i++) {
      iterate();
    }
    return device.stopProfile(settings.profiled());
  }

  private void iterate() {
    if (step.isFull()) {
      step.takeResults();
    }
    double rate = config.schedule().rate().max();
    step.run(batches, numMicrobatches(), Rates.of(rate, config.schedule().weightDecay().start()));
  }

  /**
   * @throws UserException if it is not finite: what was measured is no training
   */
  private double loss() {
    List<StepResult> results = step.takeResults();
    double loss = results.get(results.size() - 1).loss().lm();
    if (!Double.isFinite(loss)) {
      throw new UserException(
          "the loss of the last iteration is %s (expected: a finite number). Lower --lr."
              .formatted(loss));
    }
    return loss;
  }

  private static Result result(
      Measured measured, int globalBatchSize, DeviceRates rates, Device device) {
    BenchReport.Speed speed =
        BenchReport.Speed.of(
            measured.millis,
            measured.shape,
            (double) globalBatchSize / measured.run.layout().worldSize(),
            rates,
            device.info());
    KernelProfile profile = measured.profile;
    BenchReport report =
        new BenchReport(
            measured.run,
            speed,
            measured.memory,
            measured.heap,
            measured.secondsToFirstIteration,
            measured.loss,
            profile == null ? null : summary(profile));
    List<String> table =
        profile == null ? List.of() : profile.table(rates, speed.time().msPerIteration());
    return new Result(report, table);
  }

  private static BenchReport.Profile summary(KernelProfile profile) {
    Map<String, Double> byFamily = new TreeMap<>();
    profile.millisByFamily().forEach((family, millis) -> byFamily.put(family.toString(), millis));
    return new BenchReport.Profile(profile.millisPerIteration(), byFamily);
  }
}
