package io.tanuki4j.model;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.model.ModelConfig.DropoutRates;
import io.tanuki4j.model.ModelConfig.Granularity;
import io.tanuki4j.model.ModelConfig.Positions;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.nn.AttentionDropout;
import io.tanuki4j.nn.CausalAttention;
import io.tanuki4j.nn.DropoutSite;
import io.tanuki4j.nn.HiddenDropout;
import io.tanuki4j.nn.IterationState;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.LearnedPositions;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.PositionIds;
import io.tanuki4j.nn.Recompute;
import io.tanuki4j.nn.Rope;
import io.tanuki4j.nn.RopeFrequencies;
import io.tanuki4j.nn.Scaling;
import io.tanuki4j.nn.Sequential;
import io.tanuki4j.nn.fp8.Fp8Config;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.parallel.Axis;
import io.tanuki4j.parallel.LayerCommunication;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.parallel.StageLayers;
import io.tanuki4j.parallel.context.ContextAttention;
import io.tanuki4j.parallel.context.SequenceSharding;
import io.tanuki4j.parallel.pipeline.ModelChunk;
import io.tanuki4j.parallel.pipeline.PipelineStage;
import io.tanuki4j.parallel.pipeline.TiedParameters;
import io.tanuki4j.parallel.tensor.SharedScales;
import io.tanuki4j.parallel.tensor.TensorRegion;
import io.tanuki4j.parallel.tensor.VocabParallelEmbedding;
import io.tanuki4j.parallel.tensor.VocabParallelHead;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Wires the layers of a model to its parameters. */
public final class ModelBuilder {
  private final ModelConfig config;
  private final ParallelContext context;
  private final Kernels kernels;
  private final ParameterBuffers parameters;
  private final TensorRegion region;
  private final @Nullable Rope rope;
  private final LayerCommunication communication;
  private final @Nullable Tensor sequencePositions;
  private final @Nullable Tensor hiddenPositions;
  private final MemoryScope scope;
  private final @Nullable Fp8State fp8;
  private final LayerFactory factory;

  /** Builds the whole model on one rank; see the other constructor. */
  public ModelBuilder(
      ModelConfig config, Device device, ParameterBuffers parameters, MemoryScope scope) {
    this(config, ParallelContext.single(device), device, parameters, scope);
  }

  /**
   * Builds for ranks that share a sequence, which pass keys and values around; see the other
   * constructor.
   */
  public ModelBuilder(
      ModelConfig config,
      ParallelContext context,
      Device device,
      ParameterBuffers parameters,
      MemoryScope scope) {
    this(config, context, LayerCommunication.PLAIN, null, device, parameters, scope);
  }

  /**
   * @param context the groups that the layers communicate in
   * @param communication how the layers exchange what they need
   * @param fp8 how linear layers multiply in FP8; null if none does
   * @param parameters of {@link ModelParameters#specs} for this rank, filled or not
   * @param scope memory for what the layers keep as long as the model is used
   */
  public ModelBuilder(
      ModelConfig config,
      ParallelContext context,
      LayerCommunication communication,
      @Nullable Fp8Config fp8,
      Device device,
      ParameterBuffers parameters,
      MemoryScope scope) {
    this.config = config;
    this.context = context;
    this.kernels = device.kernels();
    this.parameters = parameters;
    this.region = TensorRegion.of(context, kernels.elementwise(), communication.tensorOverlap());
    this.rope =
        config.embeddings().positions() == Positions.ROPE
            ? rope(config, context, device, scope)
            : null;
    this.scope = scope;
    this.communication = communication;
    this.sequencePositions = sequencePositions(device);
    this.hiddenPositions = hiddenPositions(device);
    this.fp8 = fp8 == null ? null : fp8State(fp8);
    this.factory = new LayerFactory(config, kernels, parameters, region, this.fp8, scope);
  }

  private Rope rope(ModelConfig config, ParallelContext context, Device device, MemoryScope scope) {
    return Rope.create(
        device,
        frequencies(config),
        rotatedPositions(config, context),
        parameters.values().dtype().statisticsType(),
        scope);
  }

  private Fp8State fp8State(Fp8Config fp8Config) {
    List<ParameterSpec> specs = parameters.all().stream().map(Parameter::spec).toList();
    Set<String> names = ModelParameters.narrow(specs, fp8Config, config);
    List<Parameter> weights =
        parameters.all().stream().filter(weight -> names.contains(weight.name())).toList();
    Consumer<Tensor> largest = SharedScales.largest(context, fp8Config.recipe());
    return new Fp8State(fp8Config, weights, kernels, largest, scope);
  }

  /** Returns the scales of this rank's layers; null if none multiplies in FP8. */
  public @Nullable Fp8State fp8() {
    return fp8;
  }

  private static int[] rotatedPositions(ModelConfig config, ParallelContext context) {
    int seqLength = config.sizes().seqLength();
    return config.training().samples().positions()
        ? SequenceSharding.WHOLE.positions(seqLength)
        : SequenceSharding.of(context).positions(seqLength);
  }

  private AttentionCore attentionCore(String prefix) {
    int numHeads = config.attention().numHeads() / context.dims().tp();
    int numQueryGroups = config.attention().numQueryGroups() / context.dims().tp();
    int headDim = config.attention().headDim();
    DropoutRates rates = config.training().dropout();
    AttentionDropout dropout =
        new AttentionDropout(
            DropoutSite.of(rates.attention(), rates.seed(), prefix + "attention_dropout"),
            context.coordinate(Axis.TP) * numHeads);
    return context.dims().cp() == 1
        ? new CausalAttention(kernels.attention(), numHeads, numQueryGroups, headDim, dropout)
        : new ContextAttention(
            kernels,
            context.cp(),
            communication.ofContext(),
            numHeads,
            numQueryGroups,
            headDim,
            dropout,
            sequencePositions);
  }

  private @Nullable Tensor sequencePositions(Device device) {
    boolean needed =
        config.training().samples().documents() || config.training().dropout().attention() > 0;
    return needed && context.dims().cp() > 1
        ? ContextAttention.positions(device, context.cp(), config.sizes().seqLength(), scope)
        : null;
  }

  /** Returns the positions of this rank's rows of hidden states; null if none is dropped. */
  private @Nullable Tensor hiddenPositions(Device device) {
    if (config.training().dropout().hidden() == 0) {
      return null;
    }
    int[] all = SequenceSharding.of(context).positions(config.sizes().seqLength());
    int rows = config.sizes().seqLength() / context.dims().sequenceShards();
    int first = rows < all.length ? context.coordinate(Axis.TP) * rows : 0;
    return PositionIds.upload(Arrays.copyOfRange(all, first, first + rows), device, scope);
  }

  private HiddenDropout hiddenDropout(String site) {
    DropoutRates rates = config.training().dropout();
    return new HiddenDropout(
        kernels.random(), DropoutSite.of(rates.hidden(), rates.seed(), site), hiddenPositions);
  }

  /**
   * Builds this rank's stage of a pipeline.
   *
   * @param layers of each stage; the builder's parameters are those of this rank's
   */
  public PipelineStage<GptChunk.Saved> stage(StageLayers layers, int microBatchSize) {
    int stage = context.coordinate(Axis.PP);
    List<ModelChunk<GptChunk.Saved>> chunks = new ArrayList<>();
    for (int chunk = 0; chunk < layers.chunksPerStage(); chunk++) {
      int first = layers.firstLayer(stage, chunk);
      chunks.add(build(first, first + layers.count(stage, chunk)));
    }
    int seqLength = config.sizes().seqLength() / context.dims().sequenceShards();
    return new PipelineStage<>(
        chunks,
        context.pp(),
        Shape.of(seqLength, microBatchSize, config.sizes().hiddenSize()),
        parameters.values().dtype(),
        tied(),
        fp8 == null ? IterationState.NONE : fp8,
        config.training().samples());
  }

  /** Returns what this rank's stage shares with the other end of the pipeline. */
  public TiedParameters tied() {
    boolean atAnEnd = context.isFirstStage() || context.isLastStage();
    List<Parameter> parameter =
        atAnEnd && config.embeddings().tied()
            ? List.of(parameters.get(ModelParameters.EMBEDDING))
            : List.of();
    return new TiedParameters(parameter, context.embedding());
  }

  /** Builds the whole model as one chunk. */
  public GptChunk build() {
    return build(0, config.sizes().numLayers());
  }

  /**
   * Builds the chunk of layers {@code first} (inclusive) to {@code end} (exclusive), with the
   * embedding if it has the first layer and the head if it has the last.
   */
  GptChunk build(int first, int end) {
    return new GptChunk(
        first == 0 ? embedding(end == config.sizes().numLayers()) : null,
        new Sequential(recomputed(blocks(first, end))),
        end == config.sizes().numLayers() ? head() : null);
  }

  private InputEmbedding embedding(boolean withHead) {
    Parameter weight = parameters.get(ModelParameters.EMBEDDING);
    boolean afterHead = withHead && config.embeddings().tied();
    return new InputEmbedding(
        new VocabParallelEmbedding(kernels, weight, afterHead, region),
        config.embeddings().positions() == Positions.LEARNED_ABSOLUTE ? learnedPositions() : null,
        hiddenDropout("embedding_dropout"),
        new Scaling(kernels.elementwise(), config.embeddingScale()));
  }

  private LearnedPositions learnedPositions() {
    int[] positions = SequenceSharding.of(context).positions(config.sizes().seqLength());
    Parameter table = parameters.get(ModelParameters.POSITIONS);
    return new LearnedPositions(kernels, table, region.shard(positions));
  }

  private static RopeFrequencies frequencies(ModelConfig config) {
    return new RopeFrequencies(
        config.rotary().base(),
        config.rotatedDim(),
        config.rotary().interpolationFactor(),
        config.rotary().scaling());
  }

  private List<TransformerBlock> blocks(int first, int end) {
    List<TransformerBlock> blocks = new ArrayList<>();
    for (int i = first; i < end; i++) {
      blocks.add(block(ModelParameters.layer(i)));
    }
    return blocks;
  }

  private TransformerBlock block(String prefix) {
    Biases biases = config.layers().biases();
    return new TransformerBlock(
        kernels,
        factory.norm(prefix + ModelParameters.ATTENTION_NORM),
        attention(prefix),
        factory.norm(prefix + ModelParameters.MLP_NORM),
        new Mlp(
            factory.intoRegion(prefix + ModelParameters.GATE_UP, biases == Biases.ALL),
            factory.activation(),
            factory.outOfRegion(prefix + ModelParameters.DOWN)),
        hiddenDropout(prefix + "attention_output_dropout"),
        hiddenDropout(prefix + "mlp_dropout"));
  }

  private SelfAttention attention(String prefix) {
    Biases biases = config.layers().biases();
    return new SelfAttention(
        kernels,
        factory.intoRegion(prefix + ModelParameters.QKV, biases != Biases.NONE),
        config.layers().qkNorm() ? factory.queryKeyNorm(prefix) : null,
        rope,
        attentionCore(prefix),
        factory.outOfRegion(prefix + ModelParameters.PROJ),
        config.training().recompute().granularity() == Granularity.SELECTIVE);
  }

  private GptChunk.Head head() {
    Parameter weight =
        parameters.get(
            config.embeddings().tied() ? ModelParameters.EMBEDDING : ModelParameters.OUTPUT);
    return new GptChunk.Head(
        factory.norm(ModelParameters.FINAL_NORM),
        new VocabParallelHead(kernels, weight, config.training().zLoss(), region));
  }

  private List<? extends Layer<?>> recomputed(List<TransformerBlock> blocks) {
    int numLayers = config.training().recompute().numLayers();
    return switch (config.training().recompute().granularity()) {
      case NONE, SELECTIVE -> blocks;
      case FULL_UNIFORM -> inGroups(blocks, numLayers);
      case FULL_BLOCK -> firstOnes(blocks, numLayers);
    };
  }

  private static List<Layer<?>> inGroups(List<TransformerBlock> blocks, int groupSize) {
    List<Layer<?>> groups = new ArrayList<>();
    for (int from = 0; from < blocks.size(); from += groupSize) {
      int to = Math.min(blocks.size(), from + groupSize);
      groups.add(new Recompute<>(new Sequential(blocks.subList(from, to))));
    }
    return groups;
  }

  private static List<Layer<?>> firstOnes(List<TransformerBlock> blocks, int numRecomputed) {
    List<Layer<?>> layers = new ArrayList<>();
    for (TransformerBlock block : blocks) {
      layers.add(layers.size() < numRecomputed ? new Recompute<>(block) : block);
    }
    return layers;
  }
}
