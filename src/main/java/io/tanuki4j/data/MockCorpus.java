package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.math.BigInteger;
import java.util.Arrays;

/**
 * Megatron's invented data ({@code --mock-data}), token for token: 100,000 documents that count up
 * from 1 and end with the end of a document, of random lengths that are always the same.
 */
final class MockCorpus implements Corpus {
  private static final int NUM_DOCUMENTS = 100_000;
  private static final int MAX_LENGTH = 4095;

  private final int vocabSize;
  private final int eodId;
  private final int[] lengths = new int[NUM_DOCUMENTS];

  /**
   * @param vocabSize ids are below it
   * @param eodId ends each document
   */
  MockCorpus(int vocabSize, int eodId) {
    this.vocabSize = vocabSize;
    this.eodId = eodId;
    Lengths random = new Lengths();
    for (int i = 0; i < lengths.length; i++) {
      lengths[i] = 1 + random.below(MAX_LENGTH);
    }
  }

  @Override
  public int numSequences() {
    return lengths.length;
  }

  @Override
  public int length(int sequence) {
    return lengths[sequence];
  }

  @Override
  public long numTokens(int from, int to) {
    return Arrays.stream(lengths, from, to).asLongStream().sum();
  }

  @Override
  public void lengths(int[] numbers, int from, int count, int[] into) {
    for (int i = 0; i < count; i++) {
      into[i] = lengths[numbers[from + i]];
    }
  }

  @Override
  public void read(int sequence, int from, int count, int[] into, int at) {
    for (int i = 0; i < count; i++) {
      int place = from + i + 1;
      into[at + i] = place == lengths[sequence] ? eodId : place % vocabSize;
    }
  }

  @Override
  public void requireWhole() {}

  @Override
  public UserException unreadable(InternalError cause) {
    throw cause;
  }

  @Override
  public void close() {}

  /**
   * The numbers of numpy's {@code default_rng(0)}: the generator PCG64 of O'Neill (2014), whose 64
   * bits are used in halves, the lower one first, and Lemire's (2019) unbiased products.
   */
  private static final class Lengths {
    private static final int HALF = 32;
    private static final int WORD = 64;
    private static final int ROTATION = 58;
    private static final BigInteger MULTIPLIER =
        new BigInteger("2360ed051fc65da44385df649fccf645", 16);
    private static final BigInteger INCREMENT =
        new BigInteger("87136372517582989555478159403783844777");
    private static final BigInteger MASK =
        BigInteger.ONE.shiftLeft(2 * WORD).subtract(BigInteger.ONE);

    private BigInteger state = new BigInteger("35399562948360463058890781895381311971");
    private long bits;
    private boolean hasHalf;

    int below(int bound) {
      long rejected = (1L << HALF) % bound;
      long product = next() * bound;
      while ((product & 0xffffffffL) < rejected) {
        product = next() * bound;
      }
      return (int) (product >>> HALF);
    }

    /** Returns the next 32 bits as a number. */
    private long next() {
      if (hasHalf) {
        hasHalf = false;
        return bits >>> HALF;
      }
      state = state.multiply(MULTIPLIER).add(INCREMENT).and(MASK);
      long high = state.shiftRight(WORD).longValue();
      bits = Long.rotateRight(high ^ state.longValue(), (int) (high >>> ROTATION));
      hasHalf = true;
      return bits & 0xffffffffL;
    }
  }
}
