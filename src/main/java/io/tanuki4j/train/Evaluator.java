package io.tanuki4j.train;

import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.TokenBatch;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.IntPredicate;

/** The loss of the model as it is: sums over all tokens of the evaluation, read back once. */
public final class Evaluator {
  private final Device device;
  private final MicrobatchRunner<?> runner;
  private final DataParallel data;
  private final TokenCount tokens;
  private final Tensor sums;

  /**
   * @param scope memory for the sums, for as long as this is used
   */
  public Evaluator(
      Device device, MicrobatchRunner<?> runner, DataParallel data, MemoryScope scope) {
    this.device = device;
    this.runner = runner;
    this.data = data;
    this.tokens = new TokenCount(data.samples(), device, scope);
    this.sums = scope.allocate(Shape.of(LossKernels.NUM_SUMS), DType.F64);
  }

  /**
   * Consumes global batches and returns their mean loss; all ranks take part and get the same.
   *
   * @param numBatches global batches
   * @param numMicrobatches this rank's micro-batches in a global batch
   * @param goOn asked before each global batch, which it gets counted from 1
   * @return empty if {@code goOn} said no
   * @throws UserException if no token counts
   */
  public Optional<Loss> run(
      BatchSource source, int numBatches, int numMicrobatches, IntPredicate goOn) {
    data.awaitWeights();
    device.kernels().elementwise().fill(sums, 0);
    double ownTokens = 0;
    for (int batch = 1; batch <= numBatches; batch++) {
      if (!goOn.test(batch)) {
        return Optional.empty();
      }
      List<TokenBatch> batches = new ArrayList<>(numMicrobatches);
      for (int i = 0; i < numMicrobatches; i++) {
        batches.add(source.next());
        ownTokens += batches.get(i).numValidTokens();
      }
      runner.evaluate(batches, sums);
    }
    data.sumLosses(sums);
    return Optional.of(mean(tokens.total(ownTokens, source)));
  }

  private Loss mean(double numTokens) {
    if (!(numTokens > 0)) {
      throw new UserException(
          "evaluation: no token counts for the loss (expected: at least one). Drop"
              + " --eod-mask-loss, or raise --eval-iters.");
    }
    ByteBuffer host =
        ByteBuffer.allocateDirect(Math.toIntExact(sums.numBytes())).order(ByteOrder.LITTLE_ENDIAN);
    device.download(host, sums);
    return new Loss(
        host.getDouble(LossKernels.CROSS_ENTROPY * Double.BYTES) / numTokens,
        host.getDouble(LossKernels.Z_LOSS * Double.BYTES) / numTokens);
  }
}
