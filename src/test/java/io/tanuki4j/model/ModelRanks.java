package io.tanuki4j.model;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.comm.ProcessGroupFactory;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.nn.Initializer;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.LayerCommunication;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.parallel.RankGrid;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.context.SequenceSharding;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.pipeline.PipelineExecutor;
import io.tanuki4j.parallel.pipeline.PipelineSchedule;
import io.tanuki4j.parallel.pipeline.PipelineStage;
import io.tanuki4j.parallel.pipeline.ZeroBubble;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.IntStream;

/**
 * A tiny model on ranks that are threads, with gradients but without updates.
 *
 * @param dtype of weights and activations
 * @param communication of ranks that share a sequence
 * @param zeroBubble whether stages split their backwards
 */
record ModelRanks(
    ModelConfig config,
    DType dtype,
    int numMicrobatches,
    ContextCommunication communication,
    boolean zeroBubble) {
  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final int MICRO_BATCH_SIZE = 2;
  private static final long SEED = 7;

  /** The second iteration takes recorded work, the third replays it again. */
  private static final int NUM_ITERATIONS = 3;

  ModelRanks(ModelConfig config, DType dtype, int numMicrobatches) {
    this(config, dtype, numMicrobatches, ContextCommunication.P2P);
  }

  ModelRanks(
      ModelConfig config, DType dtype, int numMicrobatches, ContextCommunication communication) {
    this(config, dtype, numMicrobatches, communication, false);
  }

  /** Returns the same ranks with split backwards. */
  ModelRanks withZeroBubble() {
    return new ModelRanks(config, dtype, numMicrobatches, communication, true);
  }

  /** What a rank found; losses of training and of evaluation, and the gradients that it has. */
  record Found(double[] trained, double[] evaluated, Map<ParameterSpec, double[]> gradients) {
    double[] gradient(String name) {
      return gradients.entrySet().stream()
          .filter(entry -> entry.getKey().name().equals(name))
          .findFirst()
          .orElseThrow()
          .getValue();
    }
  }

  /** What one rank with the whole model finds. */
  Found alone() {
    return run(ParallelDims.SINGLE, StageLayers.even(config.sizes().numLayers(), 1, 1)).get(0);
  }

  /** What each rank finds, in their order. */
  List<Found> run(ParallelDims dims, StageLayers layers) {
    Map<Integer, Found> found = new ConcurrentHashMap<>();
    RankThreads.run(
        dims.worldSize(),
        LIMIT,
        seat -> {
          try (TestDevice device = new TestDevice(new CpuBackend(1));
              ProcessGroupFactory factory = seat.processGroups(device.device())) {
            ParallelContext context = ParallelContext.create(new RankGrid(dims), factory);
            found.put(seat.globalRank(), new Rank(device, context, layers).run());
          }
        });
    return List.copyOf(new TreeMap<>(found).values());
  }

  private final class Rank {
    private final TestDevice device;
    private final ParallelContext context;
    private final ParameterBuffers parameters;
    private final PipelineStage<GptChunk.Saved> stage;
    private final DataParallel data;
    private final Tensor lossSums;

    Rank(TestDevice device, ParallelContext context, StageLayers layers) {
      this.device = device;
      this.context = context;
      this.parameters =
          ParameterBuffers.allocate(
              ModelParameters.specs(config, layers, context.grid(), context.globalRank()),
              DataParallelConfig.PLAIN.bucketPlan(1, Set.of(ModelParameters.EMBEDDING), Set.of()),
              device.scope(),
              dtype,
              dtype.statisticsType());
      new Initializer(device.kernels(), SEED).initialize(parameters);
      parameters.all().stream()
          .filter(parameter -> !parameter.spec().weightDecay())
          .forEach(this::moveVector);
      this.stage =
          new ModelBuilder(
                  config,
                  context,
                  new LayerCommunication(communication, false),
                  null,
                  device.device(),
                  parameters,
                  device.scope())
              .stage(layers, MICRO_BATCH_SIZE);
      this.data = new DataParallel(DataParallelConfig.PLAIN, parameters, context, stage.tied());
      this.lossSums = device.scope().allocate(Shape.of(LossKernels.NUM_SUMS), DType.F64);
    }

    /** Ones and zeros hide errors of norms and biases: moves each element by its global index. */
    private void moveVector(Parameter parameter) {
      double[] values = device.read(parameter.value());
      int place = 0;
      for (ParameterSpec.Slice slice : parameter.spec().slices()) {
        for (long i = 0; i < slice.rows(); i++) {
          values[place++] += 0.3 * Math.sin(slice.firstRow() + i + slice.name().length());
        }
      }
      device.write(parameter.value(), values);
    }

    Found run() {
      SequenceSharding sharding = SequenceSharding.of(context);
      Shape tokens = Shape.of(sharding.localLength(config.sizes().seqLength()), MICRO_BATCH_SIZE);
      PipelineSchedule schedule =
          zeroBubble ? new ZeroBubble() : PipelineSchedule.forTraining(stage.chunks().size());
      try (PipelineExecutor<GptChunk.Saved> executor =
          new PipelineExecutor<>(device.device(), stage, schedule, tokens, 0)) {
        int numTokens = numMicrobatches * config.sizes().seqLength() * MICRO_BATCH_SIZE;
        device.write(executor.gradScale(), 1.0 / numTokens);
        double[] trained = {};
        double[] evaluated = {};
        for (int i = 0; i < NUM_ITERATIONS; i++) {
          evaluated = losses(() -> executor.evaluate(numMicrobatches, this::load, lossSums));
          trained = losses(() -> executor.train(numMicrobatches, this::load, lossSums));
          data.finishGradients();
        }
        Map<ParameterSpec, double[]> gradients = new LinkedHashMap<>();
        for (Parameter parameter : parameters.all()) {
          gradients.put(parameter.spec(), device.read(parameter.grad()));
        }
        return new Found(trained, evaluated, gradients);
      }
    }

    private double[] losses(Runnable work) {
      device.kernels().elementwise().fill(lossSums, 0);
      work.run();
      data.sumLosses(lossSums);
      return device.read(lossSums);
    }

    private void load(int microbatch, Microbatch.Inputs into) {
      Random random = new Random(microbatch);
      int count = config.sizes().seqLength() * MICRO_BATCH_SIZE;
      double[] ids = random.ints(count, 0, config.sizes().vocabSize()).asDoubleStream().toArray();
      double[] next = random.ints(count, 0, config.sizes().vocabSize()).asDoubleStream().toArray();
      double[] mask = random.ints(count, 0, 2).asDoubleStream().toArray();
      device.write(into.tokens(), own(ids));
      device.write(into.targets(), own(next));
      device.write(into.lossMask(), own(mask));
    }

    /** This rank's part of values {@code [s, b]}. */
    private double[] own(double[] values) {
      return Arrays.stream(SequenceSharding.of(context).positions(config.sizes().seqLength()))
          .flatMap(i -> IntStream.range(i * MICRO_BATCH_SIZE, (i + 1) * MICRO_BATCH_SIZE))
          .mapToDouble(i -> values[i])
          .toArray();
    }
  }
}
