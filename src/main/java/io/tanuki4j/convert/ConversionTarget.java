package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TensorViews;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.parallel.ParallelDims;
import io.tanuki4j.tokenizer.HuggingFaceFiles;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What {@code convert} writes as a checkpoint.
 *
 * @param tensors whole
 * @param optimizer whole; empty if it is left out
 * @param fp8 scales of numbers of eight bits; empty without the optimizer
 */
public record ConversionTarget(
    TrainState state,
    List<ShardedTensor> tensors,
    List<ShardedTensor> optimizer,
    List<ShardedTensor> fp8,
    TargetLayout target) {

  /**
   * Prepares a model for writing.
   *
   * @throws io.tanuki4j.config.ConfigException if the model cannot be split as asked
   */
  public static ConversionTarget of(
      ConversionSource model, ConvertOptions options, HuggingFaceFiles tokenizerFiles) {
    MegatronArguments source = new MegatronArguments("the model", model.arguments());
    int tp = size(options.targetTensorParallelSize, source, "tensor_model_parallel_size");
    int pp = size(options.targetPipelineParallelSize, source, "pipeline_model_parallel_size");
    int rows = options.trueVocabSize == null ? model.model().vocabSize() : model.vocabSize();
    ConversionSource cut = model.withRows(rows);
    List<ShardedTensor> tensors = retyped(cut.tensors(), options.type());
    boolean sameTypes = types(tensors).equals(types(cut.tensors()));
    List<ShardedTensor> optimizer = sameTypes ? cut.optimizer() : List.of();
    Map<String, @Nullable Object> arguments = arguments(model, options);
    if (!tokenizerFiles.isEmpty()) {
      CarriedTokenizer.note(tokenizerFiles, options.saveDir(), arguments);
    }
    arguments.put(MegatronArguments.VOCABULARY, rows);
    arguments.put("tensor_model_parallel_size", tp);
    arguments.put("pipeline_model_parallel_size", pp);
    putType(arguments, tensors.get(0).type());
    return new ConversionTarget(
        state(model.state(), arguments, !optimizer.isEmpty()),
        tensors,
        optimizer,
        optimizer.isEmpty() ? List.of() : cut.fp8(),
        TargetLayout.of(source.model(rows), tp, pp));
  }

  /**
   * Returns the same model with a vocabulary that Megatron's ranks can share. If necessary, rows of
   * zeros pad it to a multiple of the unit for each tensor parallel rank.
   */
  public ConversionTarget shareable(int unit) {
    int rows = target.model().sizes().vocabSize();
    int tp = dims().tp();
    if (rows % tp == 0) {
      return this;
    }
    int padded = Math.multiplyExact((rows - 1) / (unit * tp) + 1, unit * tp);
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>(state.arguments());
    arguments.put(MegatronArguments.VOCABULARY, padded);
    return new ConversionTarget(
        state(state, arguments, false),
        ConversionSource.withRows(tensors, padded),
        List.of(),
        List.of(),
        target);
  }

  /** Returns the parallel degrees of the shards. */
  public ParallelDims dims() {
    return target.layout().dims();
  }

  private static int size(@Nullable Integer asked, MegatronArguments source, String name) {
    return asked == null ? source.size(name, 1) : asked;
  }

  private static void putType(Map<String, @Nullable Object> arguments, ElementType type) {
    arguments.put("bf16", type == ElementType.BF16);
    arguments.put("fp16", type == ElementType.F16);
    String name =
        type == ElementType.BF16 ? "bfloat16" : type == ElementType.F16 ? "float16" : "float32";
    arguments.replace("params_dtype", "torch." + name);
  }

  /** Returns tensors in the requested type; null for the type that each has. */
  public static List<ShardedTensor> retyped(
      List<ShardedTensor> tensors, @Nullable ElementType asked) {
    return asked == null
        ? tensors
        : tensors.stream().map(tensor -> TensorViews.retyped(tensor, asked)).toList();
  }

  private static List<ElementType> types(List<ShardedTensor> tensors) {
    return tensors.stream().map(ShardedTensor::type).toList();
  }

  private static Map<String, @Nullable Object> arguments(
      ConversionSource model, ConvertOptions options) {
    Map<String, @Nullable Object> arguments = new LinkedHashMap<>(model.arguments());
    if (options.tokenizerModel != null) {
      arguments.put("tokenizer_model", options.tokenizerModel.toString());
    }
    if (options.tokenizerType != null) {
      arguments.put("tokenizer_type", options.tokenizerType);
    }
    return arguments;
  }

  private static TrainState state(
      TrainState from, Map<String, @Nullable Object> arguments, boolean withOptimizer) {
    return new TrainState(
        from.iteration(),
        from.consumedTrainSamples(),
        from.consumedValidSamples(),
        from.vocabSize(),
        withOptimizer ? from.optimizer() : Map.of(),
        withOptimizer ? from.schedule() : Map.of(),
        arguments);
  }

  public List<ShardedTensor> all() {
    return Stream.of(tensors, optimizer, fp8).flatMap(List::stream).toList();
  }

  /**
   * Returns the shards of each rank.
   *
   * @param observer receives the number of bytes of each read
   */
  public List<RankTensors> ranks(IntConsumer observer) {
    return target.cut(
        observed(tensors, observer), observed(optimizer, observer), observed(fp8, observer));
  }

  private static List<ShardedTensor> observed(List<ShardedTensor> tensors, IntConsumer observer) {
    return tensors.stream().map(tensor -> TensorViews.observed(tensor, observer)).toList();
  }

  /** Describes for the user what was written. */
  @Override
  public String toString() {
    return "%d tensors, vocabulary of %d in %d rows, %s, shards of tp %d x pp %d"
        .formatted(
            tensors.size(),
            state.vocabSize(),
            target.model().sizes().vocabSize(),
            optimizer.isEmpty()
                ? "no optimizer state"
                : "with optimizer state" + (fp8.isEmpty() ? "" : " and fp8 scales"),
            target.layout().dims().tp(),
            target.layout().dims().pp());
  }
}
