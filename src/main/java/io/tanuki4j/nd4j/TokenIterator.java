package io.tanuki4j.nd4j;

import io.tanuki4j.data.IndexedDataset;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.dataset.DataSet;
import org.nd4j.linalg.dataset.api.DataSetPreProcessor;
import org.nd4j.linalg.dataset.api.iterator.DataSetIterator;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;

/**
 * The tokens of a file in their order, as Deeplearning4j's batches: features are {@code [batch,
 * seqLength]} ids, labels the ids that follow them. A sample begins with the last token of the one
 * before. Samples run over the ends of documents; tokens that fill none at the end are left out.
 */
public final class TokenIterator implements DataSetIterator, AutoCloseable {
  private static final long serialVersionUID = 1;

  private final transient IndexedDataset tokens;
  private final int seqLength;
  private final int batchSize;
  private transient @Nullable DataSetPreProcessor preProcessor;
  private int sequence;
  private int offset;
  private long position;

  /**
   * @param prefix of the files {@code .bin} and {@code .idx}
   * @param seqLength tokens of a sample
   * @param batchSize samples of a batch; the last one may have fewer
   */
  public TokenIterator(Path prefix, int seqLength, int batchSize) {
    if (seqLength < 1 || batchSize < 1) {
      throw new IllegalArgumentException(
          "seqLength and batchSize: %d and %d (expected: 1 or more)"
              .formatted(seqLength, batchSize));
    }
    this.tokens = IndexedDataset.open(prefix, true);
    this.seqLength = seqLength;
    this.batchSize = batchSize;
  }

  @Override
  public boolean hasNext() {
    return position + seqLength < tokens.numTokens();
  }

  @Override
  public DataSet next() {
    return next(batchSize);
  }

  @Override
  public DataSet next(int samples) {
    if (!hasNext()) {
      throw new NoSuchElementException("all tokens have been read. Call reset first.");
    }
    long left = (tokens.numTokens() - 1 - position) / seqLength;
    int count = (int) Math.min(samples, left);
    int[] ids = read(count * seqLength + 1);
    INDArray all = Nd4j.createFromArray(ids).castTo(DataType.FLOAT);
    DataSet batch = new DataSet(part(all, 0, count), part(all, 1, count));
    if (preProcessor != null) {
      preProcessor.preProcess(batch);
    }
    return batch;
  }

  private INDArray part(INDArray ids, int from, int count) {
    long length = (long) count * seqLength;
    return ids.get(NDArrayIndex.interval(from, from + length)).dup().reshape(count, seqLength);
  }

  /** Reads ids from the present position on, and moves before the last of them. */
  private int[] read(int count) {
    int[] ids = new int[count];
    int done = 0;
    while (true) {
      int some = Math.min(count - done, tokens.length(sequence) - offset);
      tokens.read(sequence, offset, some, ids, done);
      done += some;
      if (done == count) {
        offset += some - 1;
        position += count - 1;
        return ids;
      }
      sequence++;
      offset = 0;
    }
  }

  @Override
  public void reset() {
    sequence = 0;
    offset = 0;
    position = 0;
  }

  @Override
  public int batch() {
    return batchSize;
  }

  @Override
  public int inputColumns() {
    return seqLength;
  }

  @Override
  public int totalOutcomes() {
    return seqLength;
  }

  @Override
  public boolean resetSupported() {
    return true;
  }

  /** Returns false: another thread must not read ahead, since {@link #reset} would not stop it. */
  @Override
  public boolean asyncSupported() {
    return false;
  }

  @Override
  public void setPreProcessor(@Nullable DataSetPreProcessor processor) {
    preProcessor = processor;
  }

  @Override
  public @Nullable DataSetPreProcessor getPreProcessor() {
    return preProcessor;
  }

  /** Returns nothing: labels are ids. */
  @Override
  public List<String> getLabels() {
    return List.of();
  }

  private void writeObject(ObjectOutputStream out) throws NotSerializableException {
    throw new NotSerializableException("an open token file");
  }

  @Override
  public void close() {
    tokens.close();
  }
}
