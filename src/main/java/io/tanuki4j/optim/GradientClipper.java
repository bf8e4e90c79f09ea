package io.tanuki4j.optim;

import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.FlatRange;
import io.tanuki4j.parallel.data.OptimizerShard;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;

/**
 * The factor that takes the loss scale out of the whole model's gradient and brings its norm down
 * to a bound. Norm and factor stay on the device. Without scale and bound the factor is 1. For a
 * gradient that is not finite it is NaN, so that such a gradient never reaches the weights of any
 * rank.
 */
final class GradientClipper {
  private final Kernels kernels;
  private final OptimizerShard shard;
  private final double maxNorm;
  private final Tensor sumOfSquares;
  private final Tensor factor;

  /**
   * @param maxNorm 0 for no bound
   */
  GradientClipper(Kernels kernels, OptimizerShard shard, MemoryScope scope, double maxNorm) {
    this.kernels = kernels;
    this.shard = shard;
    this.maxNorm = maxNorm > 0 ? maxNorm : Double.POSITIVE_INFINITY;
    this.sumOfSquares = scope.allocate(Shape.of(1), DType.F64);
    this.factor = scope.allocate(Shape.of(1), DType.F64);
  }

  /**
   * Computes the norm and the factor.
   *
   * @param lossScale what the gradients were multiplied by
   * @param norm {@code [1]}, F64, gets the norm before clipping
   * @return {@code [1]}, F64
   */
  Tensor factor(Tensor norm, double lossScale) {
    kernels.elementwise().fill(sumOfSquares, 0);
    for (FlatRange range : shard.counted()) {
      kernels.optimizer().sumOfSquares(sumOfSquares, range.of(shard.parameters().grads()));
    }
    shard.group().allReduce(sumOfSquares, ReduceOp.SUM).await();
    kernels.optimizer().clipFactor(norm, factor, sumOfSquares, maxNorm, lossScale);
    return factor;
  }
}
