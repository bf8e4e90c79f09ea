package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.OptimizerKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** The norm of gradients and AdamW; see clip.cu and adamw.cu. */
final class CudaOptimizer implements OptimizerKernels {
  private static final int NORM_THREADS = 512;
  private static final int NORM_BLOCKS_PER_MULTIPROCESSOR = 4;
  private static final int SUM_THREADS = 1024;
  private static final int ADAMW_THREADS = 256;
  private static final int ADAMW_VECTOR = 8;
  private static final int ACCESS_BYTES = 16;

  private final CudaModules modules;
  private final CudaWorkspace workspace;
  private final int normBlocks;

  CudaOptimizer(CudaModules modules, CudaWorkspace workspace, int multiprocessors) {
    this.modules = modules;
    this.workspace = workspace;
    this.normBlocks = multiprocessors * NORM_BLOCKS_PER_MULTIPROCESSOR;
  }

  @Override
  public void sumOfSquares(Tensor out, Tensor x) {
    Expect.computeType("x of sumOfSquares", x);
    scalar("out of sumOfSquares", out);
    int vector = Vectors.width(x.dtype(), x.numElements(), x);
    RowVariant variant = new RowVariant("clip", x.dtype(), vector);
    long perBlock = (long) NORM_THREADS * vector;
    long blocks = Math.min(normBlocks, Vectors.ceilDiv(x.numElements(), perBlock));
    long partial = workspace.reserve((long) normBlocks * Double.BYTES);
    CudaFunction squares = modules.function(variant, "sum_of_squares");
    squares.arg(partial).arg(x).arg(x.numElements()).launch(blocks, NORM_THREADS);
    CudaFunction sum = modules.function(variant, "add_parts");
    sum.arg(out).arg(partial).arg(blocks).launch(1, SUM_THREADS);
  }

  @Override
  public void clipFactor(
      Tensor norm, Tensor factor, Tensor sumOfSquares, double maxNorm, double lossScale) {
    scalar("norm of clipFactor", norm);
    scalar("factor of clipFactor", factor);
    scalar("sumOfSquares of clipFactor", sumOfSquares);
    CudaFunction function = modules.function(new RowVariant("clip", DType.F32, 1), "clip_factor");
    function.arg(norm).arg(factor).arg(sumOfSquares).arg(maxNorm).arg(lossScale).launch(1, 1);
  }

  private static void scalar(String name, Tensor tensor) {
    Expect.elements(name, tensor, 1);
    Expect.dtype(name, tensor, DType.F64);
  }

  @Override
  public void adamW(
      Tensor weight,
      Tensor master,
      Tensor firstMoment,
      Tensor secondMoment,
      Tensor grad,
      Tensor factor,
      AdamWStep step) {
    long count = master.numElements();
    part("weight of adamW", weight, count);
    part("master of adamW", master, count);
    part("firstMoment of adamW", firstMoment, count);
    part("secondMoment of adamW", secondMoment, count);
    part("grad of adamW", grad, count);
    scalar("factor of adamW", factor);
    boolean same = Address.of(weight) == Address.of(master);
    if (master.dtype() == DType.F16 || (master.dtype() == DType.BF16 && !same)) {
      throw new IllegalArgumentException(
          "master of adamW: %s (expected: F32, or BF16 that is the weight itself)"
              .formatted(master));
    }
    boolean aligned = aligned(weight, master, firstMoment, secondMoment, grad);
    AdamWVariant variant =
        new AdamWVariant(
            weight.dtype(),
            master.dtype(),
            firstMoment.dtype(),
            secondMoment.dtype(),
            grad.dtype(),
            same,
            aligned ? ADAMW_VECTOR : 1);
    CudaFunction function = modules.function(variant, "adamw");
    function.arg(weight).arg(master).arg(firstMoment).arg(secondMoment).arg(grad).arg(factor);
    function.arg(count);
    addStep(function, step);
    function.launch(Vectors.ceilDiv(count, (long) ADAMW_THREADS * variant.vector()), ADAMW_THREADS);
  }

  private static void addStep(CudaFunction function, AdamWStep step) {
    double correction1 = 1 - Math.pow(step.beta1(), step.iteration());
    double correction2 = 1 - Math.pow(step.beta2(), step.iteration());
    function.arg(step.iteration()).arg(step.firstElement());
    function.arg((float) step.learningRate());
    function.arg((float) step.beta1()).arg((float) step.beta2());
    function.arg((float) (1 - step.beta1())).arg((float) (1 - step.beta2()));
    function.arg((float) step.epsilon()).arg((float) step.weightDecay());
    function.arg((float) (1 / correction1)).arg((float) (1 / correction2));
  }

  private static void part(String name, Tensor tensor, long count) {
    Expect.computeType(name, tensor);
    Expect.elements(name, tensor, count);
  }

  private static boolean aligned(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (Address.of(tensor) % ACCESS_BYTES != 0) {
        return false;
      }
    }
    return true;
  }
}
