package io.tanuki4j.run;

import io.tanuki4j.config.Precision;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.model.GptChunk;
import io.tanuki4j.model.ModelBuilder;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelParameters;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.fp8.FlatWeights;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.parallel.DataParallelConfig;
import io.tanuki4j.parallel.ParallelConfig;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.context.SequenceSharding;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.parallel.pipeline.PipelineStage;
import io.tanuki4j.parallel.tensor.SharedScales;
import io.tanuki4j.train.MicrobatchRunner;
import io.tanuki4j.train.MicrobatchTokens;
import java.util.List;
import java.util.Set;

/**
 * A rank's part of the model: all of it if there is one rank.
 *
 * @param config of the whole model
 * @param parameters zero until they are initialised or loaded
 * @param data what it exchanges with its replicas
 */
public record ModelPart(
    ModelConfig config,
    StageLayers layers,
    ParallelContext context,
    Device device,
    ParameterBuffers parameters,
    DataParallel data,
    ModelBuilder builder) {

  /**
   * @param scope memory for as long as the model is used
   */
  static ModelPart build(
      ModelConfig config,
      ParallelConfig parallel,
      Precision precision,
      ParallelContext context,
      Device device,
      MemoryScope scope) {
    StageLayers layers = parallel.layout().layers();
    DataParallelConfig replicas = parallel.dataParallel();
    List<ParameterSpec> specs =
        ModelParameters.specs(config, layers, context.grid(), context.globalRank());
    ParameterBuffers parameters =
        ParameterBuffers.allocate(
            specs,
            replicas.bucketPlan(
                context.dpCp().size(),
                Set.of(ModelParameters.EMBEDDING),
                ModelParameters.narrow(specs, precision.fp8(), config)),
            scope,
            precision.compute(),
            precision.gradients());
    device.kernels().elementwise().fill(parameters.values(), 0); // the gaps between them, too
    ModelBuilder builder =
        new ModelBuilder(
            config,
            context,
            parallel.contextCommunication(),
            precision.fp8(),
            device,
            parameters,
            scope);
    Fp8State fp8 = builder.fp8();
    FlatWeights gathered =
        fp8 == null || !replicas.narrowParamGather()
            ? null
            : fp8.flattenWeights(parameters, SharedScales.largest(context), scope);
    DataParallel data = new DataParallel(replicas, parameters, context, builder.tied(), gathered);
    return new ModelPart(config, layers, context, device, parameters, data, builder);
  }

  /**
   * Returns a runner of micro-batches through this part.
   *
   * @param plannedBytes of device memory that a micro-batch in flight takes, 0 if unknown
   */
  MicrobatchRunner<GptChunk.Saved> runner(int microBatchSize, long plannedBytes) {
    PipelineStage<GptChunk.Saved> stage = builder.stage(layers, microBatchSize);
    MicrobatchTokens tokens =
        new MicrobatchTokens(
            config.sizes().seqLength(), microBatchSize, SequenceSharding.of(context));
    return new MicrobatchRunner<>(device, stage, tokens, plannedBytes);
  }

  /** Returns the number of parameters that this rank has. */
  long numParameters() {
    return parameters.all().stream().mapToLong(one -> one.value().numElements()).sum();
  }
}
