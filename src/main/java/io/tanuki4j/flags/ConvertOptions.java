package io.tanuki4j.flags;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.config.Problems;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@code convert}, as Megatron's tools/checkpoint/convert.py spells them. */
public final class ConvertOptions {
  public static final String TARGET_TP = "--target-tensor-parallel-size";
  public static final String TARGET_PP = "--target-pipeline-parallel-size";

  private static final double BYTES_PER_GB = 1e9;

  private static final Map<String, ElementType> TYPES =
      new TreeMap<>(
          Map.of(
              "bfloat16",
              ElementType.BF16,
              "float16",
              ElementType.F16,
              "float32",
              ElementType.F32));

  @Option(names = "--model-type", paramLabel = "TYPE", description = "GPT, the only one.")
  String modelType = "GPT";

  @Option(
      names = "--loader",
      paramLabel = "FORMAT",
      description =
          "hf (also llama2_hf, llama3_hf, llama_mistral), megatron (also mcore, core) or tanuki4j.")
  @Nullable String loader;

  @Option(
      names = "--saver",
      paramLabel = "FORMAT",
      description = "hf (also llama2_hf, llama3_hf), megatron (also mcore, core) or tanuki4j.")
  @Nullable String saver;

  @Option(names = "--load-dir", paramLabel = "DIR", description = "Where the model is.")
  @Nullable Path loadDir;

  @Option(
      names = "--save-dir",
      paramLabel = "DIR",
      description = "Where it goes: a new folder, or one without checkpoints.")
  @Nullable Path saveDir;

  @Option(
      names = "--ckpt-step",
      paramLabel = "N",
      description = "Loads iteration N, not the latest.")
  public @Nullable Integer ckptStep;

  @Option(
      names = "--tokenizer-model",
      paramLabel = "FILE",
      description =
          "As in pretrain: noted in a checkpoint, written into a folder (default: what the model"
              + " came with or was trained with).")
  public @Nullable Path tokenizerModel;

  @Option(
      names = "--tokenizer-type",
      paramLabel = "TYPE",
      description = "As in pretrain; default: what the checkpoint says.")
  public @Nullable String tokenizerType;

  @Option(names = "--vocab-extra-ids", paramLabel = "N", description = "As in pretrain.")
  public @Nullable Integer vocabExtraIds;

  @Option(
      names = "--true-vocab-size",
      paramLabel = "N",
      description = "Rows of the vocabulary that are no padding; default: what the model says.")
  public @Nullable Integer trueVocabSize;

  @Option(names = "--bf16", description = "Writes bfloat16; default: the type it is stored in.")
  boolean bf16;

  private boolean addsIteration;

  @Option(names = "--fp16", description = "Writes float16, whose numbers end at 65,504.")
  boolean fp16;

  @Option(
      names = "--save-dtype",
      paramLabel = "TYPE",
      description = "bfloat16, float16 or float32; default: the type it is stored in.")
  @Nullable String saveDtype;

  @Option(
      names = "--max-shard-size",
      paramLabel = "GB",
      description = "Largest file of weights of an hf folder, in 10^9 bytes (default: 5).")
  double maxShardSize = 5;

  @Option(
      names = TARGET_TP,
      paramLabel = "N",
      description =
          "Tensor-parallel ranks whose shards are written (default: as the source). Any layout"
              + " loads any shards.")
  public @Nullable Integer targetTensorParallelSize;

  @Option(names = TARGET_PP, paramLabel = "N", description = "The same for pipeline stages.")
  public @Nullable Integer targetPipelineParallelSize;

  @Option(
      names = "--no-load-optim",
      description =
          "Leaves out the optimizer's state, which is kept from checkpoint to checkpoint.")
  public boolean noLoadOptim;

  @Option(names = "--checkpoint-type", paramLabel = "TYPE", description = "hf, the only one.")
  String checkpointType = "hf";

  @Option(
      names = "--no-checking",
      description =
          "Does not read the result again to compare it, nor compare the exported tokenizer.")
  public boolean noChecking;

  @Option(
      names = "--saver-transformer-impl",
      paramLabel = "IMPL",
      description =
          "transformer_engine (default) or local: which of Megatron's layers the names of norms in"
              + " a megatron checkpoint are for.")
  String saverTransformerImpl = "transformer_engine";

  @Option(
      names = {
        "--make-vocab-size-divisible-by",
        "--model-size",
        "--megatron-path",
        "--max-queue-size",
        "--loader-transformer-impl"
      },
      paramLabel = "X",
      description =
          "Accepted, no effect: the model's own files say it, its vocabulary is not padded, or only"
              + " Megatron's code needs it.")
  @Nullable String withoutEffect;

  /**
   * The formats that there are.
   *
   * @param shown their names in messages
   * @param whyWhole for every name why the format is not split by ranks; null if it is
   */
  public record Formats(List<String> shown, Map<String, @Nullable String> whyWhole) {
    String text() {
      int last = shown.size() - 1;
      return String.join(", ", shown.subList(0, last)) + " or " + shown.get(last);
    }
  }

  /**
   * Checks the flags.
   *
   * @throws io.tanuki4j.config.ConfigException with one line for each problem
   */
  public void validate(Formats formats) {
    Problems problems = new Problems();
    checkFormat(problems, formats, "--loader", loader);
    checkFormat(problems, formats, "--saver", saver);
    require(problems, "--load-dir", loadDir);
    require(problems, "--save-dir", saveDir);
    if (!modelType.equals("GPT")) {
      problems.add("--model-type", modelType, "GPT", "Other models are not supported.");
    }
    if (!checkpointType.equals("hf")) {
      problems.add(
          "--checkpoint-type",
          checkpointType,
          "hf",
          "Convert Meta's files with transformers first.");
    }
    problems.oneOf(
        "--saver-transformer-impl", saverTransformerImpl, List.of("transformer_engine", "local"));
    String whyWhole = formats.whyWhole().get(saver);
    checkTarget(problems, whyWhole, TARGET_TP, targetTensorParallelSize);
    checkTarget(problems, whyWhole, TARGET_PP, targetPipelineParallelSize);
    checkType(problems);
    checkNumbers(problems);
    problems.throwIfAny();
  }

  private static void checkTarget(
      Problems problems, @Nullable String whyWhole, String flag, @Nullable Integer size) {
    if (size != null && size < 1) {
      problems.add(flag, size, "above 0", "Write 1 for none.");
    } else if (size != null && size > 1 && whyWhole != null) {
      problems.add(flag, size, "1", whyWhole);
    }
  }

  private void checkType(Problems problems) {
    problems.oneOf("--save-dtype", saveDtype, List.copyOf(TYPES.keySet()));
    if (bf16 && fp16) {
      problems.add("--fp16", "given with --bf16", "one of them", "Leave one out.");
    }
    requireAlone("--bf16", bf16, "bfloat16", problems);
    requireAlone("--fp16", fp16, "float16", problems);
  }

  private void requireAlone(String flag, boolean given, String type, Problems problems) {
    if (given && saveDtype != null && !saveDtype.equals(type)) {
      problems.add(flag, "given with --save-dtype " + saveDtype, "one of them", "Leave one out.");
    }
  }

  private void checkNumbers(Problems problems) {
    if (trueVocabSize != null && trueVocabSize < 1) {
      problems.add("--true-vocab-size", trueVocabSize, "above 0", "Give the tokenizer's size.");
    }
    if (!(maxShardSize > 0)) {
      problems.add("--max-shard-size", maxShardSize, "above 0", "5 is usual.");
    }
    if (ckptStep != null && ckptStep < 1) {
      problems.add("--ckpt-step", ckptStep, "above 0", "Give an iteration that was saved.");
    }
  }

  private static void require(Problems problems, String flag, @Nullable Object value) {
    if (value == null) {
      problems.add(flag, "not given", "a folder", "Give one.");
    }
  }

  private static void checkFormat(
      Problems problems, Formats formats, String flag, @Nullable String format) {
    if (format == null || !formats.whyWhole().containsKey(format)) {
      problems.add(
          flag, format == null ? "not given" : format, formats.text(), "Choose one of them.");
    }
  }

  public String loader() {
    return Objects.requireNonNull(loader, "validated");
  }

  public String saver() {
    return Objects.requireNonNull(saver, "validated");
  }

  /** Returns whether Megatron's checkpoint gets the names of TransformerEngine's layers. */
  public boolean savesTransformerEngine() {
    return saverTransformerImpl.equals("transformer_engine");
  }

  public Path loadDir() {
    return Objects.requireNonNull(loadDir, "validated");
  }

  public Path saveDir() {
    return Objects.requireNonNull(saveDir, "validated");
  }

  /** Returns the type to write; null for the type of each tensor. */
  public @Nullable ElementType type() {
    if (bf16 || fp16) {
      return bf16 ? ElementType.BF16 : ElementType.F16;
    }
    return saveDtype == null ? null : TYPES.get(saveDtype);
  }

  /**
   * Returns what writes an iteration of this program's checkpoints in another format.
   *
   * @param checkpoints folder of all of them
   * @param folder where it is written; may hold other iterations if the format allows
   */
  public static ConvertOptions export(Path checkpoints, int iteration, String format, Path folder) {
    ConvertOptions options = new ConvertOptions();
    options.loader = "tanuki4j";
    options.saver = format;
    options.loadDir = checkpoints;
    options.saveDir = folder;
    options.ckptStep = iteration;
    options.addsIteration = true;
    return options;
  }

  /** Returns whether the folder may hold other iterations already. */
  public boolean addsIteration() {
    return addsIteration;
  }

  public long maxShardBytes() {
    return (long) (maxShardSize * BYTES_PER_GB);
  }
}
