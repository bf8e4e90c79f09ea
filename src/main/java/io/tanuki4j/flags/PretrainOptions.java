package io.tanuki4j.flags;

import static java.util.Objects.requireNonNull;
import static java.util.Objects.requireNonNullElse;

import io.tanuki4j.config.Problems;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.metrics.sinks.SinkConfig;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.parallel.LayoutRequest.ModelSizes;
import io.tanuki4j.parallel.LayoutRequest.Sizes;
import io.tanuki4j.parallel.ParallelConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;

/**
 * All flags of a run. A command that takes them has this as a mixin and {@link MegatronFlags} as
 * its model transformer, and calls {@link #resolve}.
 */
public final class PretrainOptions {
  @Mixin final BackendOptions run = new BackendOptions();
  @Mixin final DistributedOptions distributed = new DistributedOptions();
  @Mixin final ParallelOptions parallel = new ParallelOptions();
  @Mixin final PrecisionOptions precision = new PrecisionOptions();
  @Mixin final ModelOptions model = new ModelOptions();
  @Mixin final TokenizerOptions tokenizer = new TokenizerOptions();
  @Mixin final DataOptions data = new DataOptions();
  @Mixin final TrainOptions train = new TrainOptions();
  @Mixin final OptimizerOptions optimizer = new OptimizerOptions();
  @Mixin final ScheduleOptions schedule = new ScheduleOptions();
  @Mixin final CheckpointOptions checkpoint = new CheckpointOptions();
  @Mixin final LoggingOptions logging = new LoggingOptions();
  @Mixin final TensorBoardOptions tensorBoard = new TensorBoardOptions();
  @Mixin final WandbOptions wandb = new WandbOptions();
  @Mixin final WebOptions web = new WebOptions();
  @Mixin final ProfileOptions profile = new ProfileOptions();

  private final Purpose purpose;
  private final @Nullable Supplier<@Nullable Integer> plannedRanks;

  /** The words after the command's name; {@link MegatronFlags} puts them here. */
  private List<String> words = List.of();

  /** The purpose of a run. */
  private enum Purpose {
    TRAINING,
    /** Measures speed on random tokens. */
    MEASUREMENT,
    /** Evaluates a checkpoint, which supplies what is not given. */
    EVALUATION
  }

  private PretrainOptions(Purpose purpose, @Nullable Supplier<@Nullable Integer> plannedRanks) {
    this.purpose = purpose;
    this.plannedRanks = plannedRanks;
  }

  /** Makes the flags of a run that trains on data. */
  public PretrainOptions() {
    this(Purpose.TRAINING, null);
  }

  /**
   * Returns the flags of a run that is only measured, on random tokens. Flags about its data are
   * ignored; those about its tokenizer, length and learning rate may be missing.
   */
  public static PretrainOptions ofMeasurement() {
    return new PretrainOptions(Purpose.MEASUREMENT, null);
  }

  /**
   * Returns the flags of a run that only evaluates a checkpoint, which supplies what is not given.
   */
  public static PretrainOptions ofEvaluation() {
    return new PretrainOptions(Purpose.EVALUATION, null);
  }

  /**
   * Returns the flags of a run that is only planned: like {@link #ofMeasurement}, with ranks that
   * are never started.
   *
   * @param numRanks called after the words have been read; null for the number that one model
   *     replica has
   */
  public static PretrainOptions ofPlan(Supplier<@Nullable Integer> numRanks) {
    return new PretrainOptions(Purpose.MEASUREMENT, numRanks);
  }

  /** Returns whether {@code --profile} is given. */
  public boolean hasProfile() {
    return profile.profile;
  }

  /**
   * Returns the file that says how many ids the tokenizer has, if a plan was {@link #resolve}d
   * without it: then the model has the smallest vocabulary.
   */
  public Optional<Path> unknownVocabulary() {
    return tokenizer.unknownVocabulary();
  }

  void take(List<String> commandLine) {
    words = List.copyOf(commandLine);
  }

  /**
   * A configuration that was checked.
   *
   * @param sharedFlags flags that must be equal on all ranks, as texts by their names
   * @param notices lines for the log about what was derived or has no effect
   */
  public record Resolved(RunConfig config, Map<String, String> sharedFlags, List<String> notices) {
    public Resolved {
      sharedFlags = Map.copyOf(sharedFlags);
      notices = List.copyOf(notices);
    }
  }

  /**
   * Reads the words, derives what follows from them and checks everything.
   *
   * @param command the command that has this mixin
   * @param environment of the process
   * @param checkpointArguments the arguments that a folder's checkpoint of an iteration (null: the
   *     latest) keeps, by Megatron's attribute names; empty if there is none
   * @throws io.tanuki4j.config.ConfigException with a line for each problem
   */
  public Resolved resolve(
      CommandSpec command,
      Map<String, String> environment,
      BiFunction<Path, @Nullable Integer, Optional<Map<String, @Nullable Object>>>
          checkpointArguments) {
    Problems problems = new Problems();
    Arguments arguments = Arguments.parse(command, words, problems);
    List<UnsupportedFlag> otherFlags = UnsupportedFlags.of(command);
    MissingFeatures.refuse(otherFlags, arguments);
    List<String> notices = new ArrayList<>();
    Optional<CheckpointArguments> theirs =
        source(checkpointArguments).map(from -> new CheckpointArguments(from, arguments, problems));
    requireCheckpoint(theirs.isPresent(), notices, problems);
    theirs.ifPresent(from -> take(from, notices));
    LargestNumbers.require(arguments.options(), problems);
    check(environment, notices, problems);
    if (purpose == Purpose.TRAINING && problems.isEmpty()) {
      theirs.ifPresent(from -> from.requireSame(model.toConfig()));
    }
    precision.check(
        Boolean.TRUE.equals(arguments.get("accumulate_allreduce_grads_in_fp32")), problems);
    for (UnsupportedFlag flag : otherFlags) {
      flag.check(arguments.get(flag.dest()), arguments.isExplicit(flag.dest()), problems);
    }
    problems.throwIfAny();
    notices.add(0, parallel.worldLine());
    noEffect(otherFlags, arguments).ifPresent(notices::add);
    LossScaleOptions.withoutEffect(precision.fp16, arguments).ifPresent(notices::add);
    notices.add("using %s for parameters ...".formatted(precision.paramsDtype()));
    Map<String, @Nullable Object> values = arguments.toMap();
    theirs.ifPresent(from -> values.putAll(from.kept()));
    return new Resolved(toConfig(values), SharedFlags.of(arguments.options()), notices);
  }

  /** Returns the arguments of the checkpoint that the run starts from. */
  private Optional<MegatronArguments> source(
      BiFunction<Path, @Nullable Integer, Optional<Map<String, @Nullable Object>>> arguments) {
    if (purpose == Purpose.MEASUREMENT && !checkpoint.useCheckpointArgs) {
      return Optional.empty();
    }
    return source(checkpoint.load, checkpoint.ckptStep, arguments)
        .or(() -> source(checkpoint.pretrainedCheckpoint, null, arguments));
  }

  private static Optional<MegatronArguments> source(
      @Nullable Path folder,
      @Nullable Integer iteration,
      BiFunction<Path, @Nullable Integer, Optional<Map<String, @Nullable Object>>> arguments) {
    return folder == null || !Files.isDirectory(folder)
        ? Optional.empty()
        : arguments
            .apply(folder, iteration)
            .map(values -> new MegatronArguments(folder.toString(), values));
  }

  /**
   * Reports that there is no checkpoint to take arguments from.
   *
   * @throws io.tanuki4j.config.ConfigException if the run needs one
   */
  private void requireCheckpoint(boolean found, List<String> notices, Problems problems) {
    if (found) {
      return;
    }
    if (purpose == Purpose.EVALUATION) {
      problems.add(
          "--load",
          checkpoint.load == null ? "not given" : checkpoint.load,
          "a folder with checkpoints",
          "Name the folder that pretrain was given with --save.");
      problems.throwIfAny();
    }
    if (checkpoint.useCheckpointArgs && checkpoint.load != null) {
      notices.add("Checkpoint not found to provide arguments, using provided arguments.");
    }
  }

  private void take(CheckpointArguments theirs, List<String> notices) {
    if (checkpoint.useCheckpointArgs || purpose == Purpose.EVALUATION) {
      theirs.takeModel(checkpoint.useTokenizerModelFromCheckpointArgs);
    } else {
      theirs.takeVocabulary();
    }
    if (purpose == Purpose.EVALUATION) {
      theirs.takeEvaluation();
      train.deriveForEvaluation();
      schedule.deriveRate();
    }
    notices.addAll(theirs.notices());
  }

  /** Sets what follows from other flags and from the environment. */
  private void derive(Map<String, String> environment, List<String> notices, Problems problems) {
    checkpoint.derive(environment);
    if (plannedRanks == null) {
      distributed.derive(environment, parallel.modelRanks(), problems);
    } else {
      Integer numRanks = plannedRanks.get();
      distributed.suppose(numRanks == null ? parallel.modelRanks() : numRanks);
    }
    model.derive(notices);
    data.derive(notices);
    train.derive(parallel.dataParallelSize(distributed.worldSize()), model.seqLength, notices);
    if (precision.fp16 && precision.lossScale.adapts()) {
      train.deriveWithoutCheck(notices);
    }
    tokenizer.derivePatch(checkpoint.load);
    if (purpose == Purpose.MEASUREMENT) {
      tokenizer.deriveWithoutText(model.paddedVocabSize, plannedRanks != null);
      train.deriveWithoutEnd();
      schedule.deriveRate();
    }
  }

  private void check(Map<String, String> environment, List<String> notices, Problems problems) {
    derive(environment, notices, problems);
    distributed.check(problems);
    run.check(distributed, notices, problems);
    model.check(problems);
    tokenizer.check(problems);
    if (purpose != Purpose.MEASUREMENT || plannedRanks != null) {
      data.checkGiven(problems);
      data.checkPositions(model.rotary.isRotary(), problems);
    }
    if (purpose != Purpose.MEASUREMENT) {
      data.check(problems);
    }
    Sizes sizes = sizes();
    parallel.check(distributed.worldSize(), sizes, notices, problems);
    if (parallel.stages.zeroBubble() && model.keepsTooLittleToSplit()) {
      notices.add(
          "--pipeline-schedule zero-bubble gains nothing for layers that are recomputed as a whole,"
              + " or have --hidden-dropout: they compute the gradients of their weights at once");
    }
    precision.fp8.checkUse("--fp8-param-gather", parallel.dataParallel.fp8ParamGather, problems);
    precision.fp8.checkUse("--log-fp8", logging.logFp8, problems);
    if (sizes != null && problems.isEmpty()) {
      checkFp8(sizes, problems);
    }
    train.check(parallel.samplesPerStep(train.microBatchSize), problems);
    train.deriveIterations(notices);
    optimizer.check(problems);
    schedule.derive(train);
    schedule.check(train.trainSamples != null, problems);
    checkpoint.check(notices, problems);
    logging.check(problems);
    tensorBoard.check(problems);
    wandb.check(problems);
    web.check(environment, problems);
    profile.check(distributed.worldSize(), problems);
  }

  private void checkFp8(Sizes sizes, Problems problems) {
    int tp = parallel.tensorModelParallelSize;
    int shards = parallel.contextParallelSize * (parallel.sequenceParallel ? tp : 1);
    int headDim = model.attention.kvChannels == null ? 0 : model.attention.kvChannels;
    Map<String, Integer> widths = new LinkedHashMap<>();
    widths.put("--hidden-size", requireNonNull(model.hiddenSize));
    widths.put("--ffn-hidden-size", sizes.model().ffnHiddenSize() / tp);
    widths.put("--num-attention-heads", sizes.model().numHeads() * headDim / tp);
    widths.put("--num-query-groups", 2 * sizes.model().numQueryGroups() * headDim / tp);
    long tokens = (long) sizes.model().seqLength() / shards * sizes.microBatchSize();
    precision.fp8.checkSizes(widths, tokens, problems);
  }

  /** Returns the sizes that must be divisible; null if one is missing or wrong. */
  private @Nullable Sizes sizes() {
    List<@Nullable Integer> sizes =
        Arrays.asList(
            model.numLayers,
            model.attention.numAttentionHeads,
            model.attention.numQueryGroups,
            model.ffnHiddenSize,
            model.seqLength,
            train.microBatchSize,
            train.globalBatchSize);
    if (sizes.stream().anyMatch(size -> size == null || size < 1)) {
      return null;
    }
    return new Sizes(
        new ModelSizes(
            requireNonNull(model.numLayers),
            requireNonNull(model.attention.numAttentionHeads),
            model.attention.numQueryGroups,
            requireNonNull(model.ffnHiddenSize),
            requireNonNullElse(model.paddedVocabSize, 0),
            requireNonNull(model.seqLength)),
        requireNonNull(train.microBatchSize),
        requireNonNull(train.globalBatchSize));
  }

  private static Optional<String> noEffect(List<UnsupportedFlag> flags, Arguments arguments) {
    return flags.stream()
        .filter(flag -> flag.hasNoEffect() && !flag.isOnlyStored())
        .filter(flag -> arguments.isExplicit(flag.dest()))
        .map(UnsupportedFlag::name)
        .reduce((left, right) -> left + " " + right)
        .map(names -> "accepted without effect here (see --help): " + names);
  }

  private RunConfig toConfig(Map<String, @Nullable Object> arguments) {
    ParallelConfig layout = parallel.toConfig();
    DerivedAttributes.add(this, arguments);
    return new RunConfig(
        run.toConfig(),
        distributed.toConfig(),
        layout,
        precision.toConfig(),
        model.toConfig().with(data.samples(model.drops()), model.dropout(train.seed)),
        tokenizer.toConfig(),
        data.toConfig(requireNonNull(model.seqLength), train.seed),
        train.toConfig(layout.dims().dp()),
        optimizer.toConfig(precision.lossScaling()),
        schedule.toConfig(train),
        checkpoint.toConfig(),
        logging.toConfig(web.isOn()),
        new SinkConfig(
            checkpoint.save,
            tensorBoard.toConfig(),
            wandb.toConfig(checkpoint.save),
            web.toConfig(checkpoint.save),
            logging.progressLine,
            logging.peakTflops,
            logging.measurePeak),
        profile.toConfig(tensorBoard.tensorboardDir, checkpoint.save),
        Collections.unmodifiableMap(arguments));
  }
}
