package io.tanuki4j.flags;

import io.tanuki4j.config.Precision;
import io.tanuki4j.config.Problems;
import io.tanuki4j.optim.LossScaling;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The flags of {@link Precision}. */
public final class PrecisionOptions {
  private static final String FP32 = "fp32";
  private static final String BF16 = "bf16";

  @Option(
      names = "--bf16",
      description = "Weights and activations in bfloat16; gradients and optimizer stay in fp32.")
  boolean bf16;

  @Option(
      names = "--fp16",
      description =
          "Weights and activations in half precision, and a scaled loss; gradients and optimizer"
              + " stay in fp32.")
  boolean fp16;

  @Mixin final LossScaleOptions lossScale = new LossScaleOptions();

  @Option(
      names = "--grad-reduce-in-bf16",
      description = "Gradients in bfloat16, as with --main-grads-dtype bf16.")
  boolean gradReduceInBf16;

  @Option(
      names = "--main-grads-dtype",
      paramLabel = "fp32|bf16",
      description = "Type of the gradients that micro-batches add up to.")
  String mainGradsDtype = FP32;

  @Option(
      names = "--main-params-dtype",
      paramLabel = "fp32|bf16",
      description =
          "Type of the weights that the optimizer updates; with bf16 there is no copy of them,"
              + " and they are rounded stochastically.")
  String mainParamsDtype = FP32;

  @Option(
      names = "--exp-avg-dtype",
      paramLabel = "fp32|bf16",
      description = "Type of the mean of the gradients.")
  String expAvgDtype = FP32;

  @Option(
      names = "--exp-avg-sq-dtype",
      paramLabel = "fp32|bf16",
      description = "Type of the mean of their squares; bf16 is rounded stochastically.")
  String expAvgSqDtype = FP32;

  @Mixin final Fp8Options fp8 = new Fp8Options();

  void check(boolean accumulateInFp32, Problems problems) {
    if (fp16 && bf16) {
      problems.add("--fp16", "given with --bf16", "one of them", "Leave one out.");
    }
    lossScale.check(problems);
    fp8.check(bf16, problems);
    checkType("--main-grads-dtype", mainGradsDtype, problems);
    checkType("--main-params-dtype", mainParamsDtype, problems);
    checkType("--exp-avg-dtype", expAvgDtype, problems);
    checkType("--exp-avg-sq-dtype", expAvgSqDtype, problems);
    if (gradReduceInBf16 && !bf16) {
      problems.add(
          "--grad-reduce-in-bf16", "given", "only together with --bf16", "Add --bf16, or drop it.");
    }
    if (accumulateInFp32 && gradients() == DType.BF16) {
      problems.add(
          gradReduceInBf16 ? "--grad-reduce-in-bf16" : "--main-grads-dtype",
          gradReduceInBf16 ? "given" : mainGradsDtype,
          "fp32 gradients with --accumulate-allreduce-grads-in-fp32",
          "Drop one of the two.");
    }
  }

  private void checkType(String flag, String value, Problems problems) {
    problems.oneOf(flag, value, List.of(FP32, BF16));
    if (value.equals(BF16) && !bf16) {
      problems.add(flag, value, "fp32 without --bf16", "Add --bf16, or drop " + flag + ".");
    }
  }

  /** Returns the type as Megatron's attribute {@code params_dtype} prints it. */
  String paramsDtype() {
    return fp16 ? "torch.float16" : bf16 ? "torch.bfloat16" : "torch.float32";
  }

  Precision toConfig() {
    StateTypes state =
        new StateTypes(type(mainParamsDtype), type(expAvgDtype), type(expAvgSqDtype));
    DType compute = fp16 ? DType.F16 : bf16 ? DType.BF16 : DType.F32;
    return new Precision(compute, gradients(), state, fp8.toConfig());
  }

  /** Returns how the loss is scaled; null if it is not. */
  @Nullable LossScaling lossScaling() {
    return fp16 ? lossScale.toConfig() : null;
  }

  private DType gradients() {
    return gradReduceInBf16 ? DType.BF16 : type(mainGradsDtype);
  }

  private static DType type(String name) {
    return name.equals(BF16) ? DType.BF16 : DType.F32;
  }
}
