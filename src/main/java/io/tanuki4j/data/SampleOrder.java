package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Megatron's three index arrays, from a cache that is filled first if necessary. Row {@code
 * shuffle[k]} of the sample index says where sample {@code k} begins: a position in the document
 * index, and a token there. The document index is the shuffled list of sequences, epoch after
 * epoch. The sample ends with the token at which the next row begins.
 */
final class SampleOrder {
  private static final Logger LOG = LoggerFactory.getLogger(SampleOrder.class);
  private static final String DOCUMENTS = "document_index.npy";
  private static final String SAMPLES = "sample_index.npy";
  private static final String SHUFFLE = "shuffle_index.npy";

  /** Number of entries from which building takes so long that the log says so. */
  private static final long SECONDS_OF_WORK = 20_000_000;

  private static final double NANOS_PER_SECOND = 1e9;
  private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

  private final Corpus corpus;
  private final OrderSettings.Slice slice;
  private final OrderSettings settings;
  private final EpochCounts plan;
  private final IndexCache cache;
  private final CacheWork work;

  SampleOrder(
      Corpus corpus,
      OrderSettings.Slice slice,
      OrderSettings settings,
      EpochCounts plan,
      IndexCache cache,
      CacheWork work) {
    this.corpus = corpus;
    this.slice = slice;
    this.settings = settings;
    this.plan = plan;
    this.cache = cache;
    this.work = work;
  }

  /**
   * The arrays, memory-mapped.
   *
   * @param documents sequence numbers
   * @param samples pairs of a position in {@code documents} and a token there
   * @param shuffle rows of {@code samples}
   */
  record Arrays(NpyArray documents, NpyArray samples, NpyArray shuffle) {}

  Arrays load() {
    if (!cache.holds(DOCUMENTS, SAMPLES, SHUFFLE)) {
      requireRoom();
      long size = plan.numSamples() + numEntries();
      if (size > SECONDS_OF_WORK) {
        LOG.info("building the sample order of {}: {} entries", slice.describe(), size);
      }
      cache.fill(timed("all files", this::build));
    }
    return new Arrays(
        cache.read(DOCUMENTS, Set.of(NpyType.INT32), 1, numEntries()),
        cache.read(SAMPLES, Set.of(NpyType.INT32, NpyType.INT64), 2, plan.numSamples() + 1),
        cache.read(SHUFFLE, Set.of(NpyType.UINT32, NpyType.INT64), 1, plan.numSamples()));
  }

  /**
   * Builds the two orders, which are independent, at the same time if the heap has room for both.
   */
  private void build() throws IOException {
    long bytes = Integer.BYTES * (numEntries() + plan.numSamples());
    work.within(bytes, work.fits(bytes) ? this::buildTogether : this::buildInTurn);
  }

  private void buildTogether() throws IOException {
    Concurrent.run(List.of(this::buildDocuments, this::buildShuffle));
  }

  private void buildInTurn() throws IOException {
    buildDocuments();
    buildShuffle();
  }

  private void buildDocuments() throws IOException {
    int[] documents = new int[(int) numEntries()];
    timed("document index", () -> shuffleDocuments(documents)).run();
    Concurrent.run(
        List.of(
            timed("document index written", () -> write(DOCUMENTS, NpyType.INT32, documents)),
            timed("sample index", () -> buildSamples(documents))));
  }

  private void shuffleDocuments(int[] documents) {
    for (int at = 0; at < documents.length; at += numDocuments()) {
      for (int i = 0; i < numDocuments(); i++) {
        documents[at + i] = slice.from() + i;
      }
    }
    NumpyRandom random = new NumpyRandom(settings.seed());
    int last = numEntriesShuffledTogether();
    random.shuffle(documents, 0, last);
    random.shuffle(documents, last, documents.length);
  }

  private void buildSamples(int[] documents) throws IOException {
    long samples = plan.numSamples();
    try (NpyWriter writer = writer(SAMPLES, NpyType.INT32, "(%d, 2)", samples + 1)) {
      new SampleRows(corpus, documents, settings.seqLength(), samples).write(writer);
      writer.finish();
    }
  }

  private void buildShuffle() throws IOException {
    int[] shuffle = new int[(int) plan.numSamples()];
    timed("shuffle index", () -> shuffleSamples(shuffle)).run();
    timed("shuffle index written", () -> write(SHUFFLE, NpyType.UINT32, shuffle)).run();
  }

  private void shuffleSamples(int[] shuffle) {
    NumpyRandom random = new NumpyRandom(settings.seed());
    // The same numbers have shuffled the documents.
    random.skipShuffle(numEntriesShuffledTogether());
    random.skipShuffle((int) numEntries() - numEntriesShuffledTogether());
    for (int i = 0; i < shuffle.length; i++) {
      shuffle[i] = i;
    }
    int last = (int) plan.numSamplesBeforeLastEpoch();
    random.shuffle(shuffle, 0, last);
    random.shuffle(shuffle, last, shuffle.length);
  }

  private void write(String name, NpyType type, int[] values) throws IOException {
    try (NpyWriter writer = writer(name, type, "(%d,)", values.length)) {
      writer.putInts(values);
      writer.finish();
    }
  }

  /** Returns the size of the document index. */
  private long numEntries() {
    return plan.numEpochs() * numDocuments();
  }

  private int numEntriesShuffledTogether() {
    return (int) numEntries() - (plan.separateLastEpoch() ? numDocuments() : 0);
  }

  /** Returns the task, followed by a line of the log for developers. */
  private Concurrent.Task timed(String what, Concurrent.Task task) {
    return () -> {
      long start = System.nanoTime();
      task.run();
      double seconds = (System.nanoTime() - start) / NANOS_PER_SECOND;
      LOG.debug("{}: {}: {} s", slice.describe(), what, "%.2f".formatted(seconds));
    };
  }

  private NpyWriter writer(String name, NpyType type, String shape, long rows) throws IOException {
    return cache.writer(name, type, shape.formatted(rows));
  }

  private int numDocuments() {
    return slice.to() - slice.from();
  }

  private void requireRoom() {
    long longest = Math.max(numEntries(), plan.numSamples());
    if (longest > MAX_ARRAY) {
      throw new UserException(
          ("%s: %d epochs of %d documents give %d samples (expected: at most %d of each)."
                  + " Ask for fewer samples, or divide the corpus and blend the parts.")
              .formatted(
                  slice.describe(),
                  plan.numEpochs(),
                  numDocuments(),
                  plan.numSamples(),
                  MAX_ARRAY));
    }
  }
}
