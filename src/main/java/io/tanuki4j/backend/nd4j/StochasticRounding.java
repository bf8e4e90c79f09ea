package io.tanuki4j.backend.nd4j;

import java.util.stream.LongStream;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.BooleanIndexing;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.nd4j.linalg.indexing.conditions.Conditions;

/**
 * Rounds numbers to BF16 up or down at random, see {@link
 * io.tanuki4j.kernel.OptimizerKernels#adamW}.
 *
 * @param key the iteration
 * @param firstElement index of the first number, a multiple of 4
 */
record StochasticRounding(long key, long firstElement) {
  private static final int WORDS = 4;
  private static final int HALF_BITS = 16;
  private static final long LOW_HALF = 0xFFFF;

  INDArray ofMaster(INDArray values) {
    return rounded(values, Bits.and(words(values.length()), LOW_HALF));
  }

  INDArray ofSecondMoment(INDArray values) {
    return rounded(values, Bits.shiftRight(words(values.length()), HALF_BITS));
  }

  /** Returns the random word of each number. */
  private INDArray words(long count) {
    long first = firstElement / WORDS;
    long numCounters = (count + WORDS - 1) / WORDS;
    INDArray counters =
        Nd4j.createFromArray(LongStream.range(first, first + numCounters).toArray())
            .reshape(numCounters, 1);
    INDArray zeros = counters.like().assign(0);
    INDArray words =
        Nd4j.concat(
            1, Philox.words(Philox.low(counters), Philox.high(counters), zeros.add(1), zeros, key));
    return words.reshape(numCounters * WORDS).get(NDArrayIndex.interval(0, count)).dup();
  }

  /** Adds 16 random bits to the bits of each float, and cuts off the lower half. */
  private static INDArray rounded(INDArray values, INDArray random) {
    INDArray floats = values.castTo(DataType.FLOAT);
    // A NaN whose lower half is set would overflow.
    BooleanIndexing.replaceWhere(floats, Float.NaN, Conditions.isNan());
    INDArray sum = Bits.cast(floats, DataType.INT).add(random.castTo(DataType.INT));
    return Bits.cast(Bits.and(sum, ~LOW_HALF), DataType.FLOAT);
  }
}
