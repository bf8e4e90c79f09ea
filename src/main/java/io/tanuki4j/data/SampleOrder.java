package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.io.IOException;
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

  private static final int MAX_ARRAY = Integer.MAX_VALUE - 8;

  private final Corpus corpus;
  private final OrderSettings.Slice slice;
  private final OrderSettings settings;
  private final EpochCounts plan;
  private final IndexCache cache;

  SampleOrder(
      Corpus corpus,
      OrderSettings.Slice slice,
      OrderSettings settings,
      EpochCounts plan,
      IndexCache cache) {
    this.corpus = corpus;
    this.slice = slice;
    this.settings = settings;
    this.plan = plan;
    this.cache = cache;
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
      long size = plan.numSamples() + plan.numEpochs() * numDocuments();
      if (size > SECONDS_OF_WORK) {
        LOG.info("building the sample order of {}: {} entries", slice.describe(), size);
      }
      cache.fill(this::build);
    }
    return new Arrays(
        cache.read(DOCUMENTS, Set.of(NpyType.INT32), 1, plan.numEpochs() * numDocuments()),
        cache.read(SAMPLES, Set.of(NpyType.INT32, NpyType.INT64), 2, plan.numSamples() + 1),
        cache.read(SHUFFLE, Set.of(NpyType.UINT32, NpyType.INT64), 1, plan.numSamples()));
  }

  private void build() throws IOException {
    NumpyRandom random = new NumpyRandom(settings.seed());
    buildDocuments(random);
    buildShuffle(random);
  }

  private void buildDocuments(NumpyRandom random) throws IOException {
    int[] documents = new int[(int) plan.numEpochs() * numDocuments()];
    for (int i = 0; i < documents.length; i++) {
      documents[i] = slice.from() + i % numDocuments();
    }
    int last = plan.separateLastEpoch() ? documents.length - numDocuments() : documents.length;
    random.shuffle(documents, 0, last);
    random.shuffle(documents, last, documents.length);
    try (NpyWriter writer = writer(DOCUMENTS, NpyType.INT32, "(%d,)", documents.length)) {
      writer.putInts(documents);
      writer.finish();
    }
    buildSamples(documents);
  }

  private void buildSamples(int[] documents) throws IOException {
    try (NpyWriter writer = writer(SAMPLES, NpyType.INT32, "(%d, 2)", plan.numSamples() + 1)) {
      int position = 0;
      int offset = 0;
      for (long sample = 0; sample < plan.numSamples(); sample++) {
        writer.putInt(position);
        writer.putInt(offset);
        // The last of the seqLength + 1 tokens is the first of the next sample.
        int missing = settings.seqLength();
        int left = corpus.length(documents[position]) - offset;
        while (left <= missing) {
          missing -= left;
          left = corpus.length(documents[++position]);
          offset = 0;
        }
        offset += missing;
      }
      writer.putInt(position);
      writer.putInt(offset);
      writer.finish();
    }
  }

  private void buildShuffle(NumpyRandom random) throws IOException {
    int[] shuffle = new int[(int) plan.numSamples()];
    for (int i = 0; i < shuffle.length; i++) {
      shuffle[i] = i;
    }
    int last = (int) plan.numSamplesBeforeLastEpoch();
    random.shuffle(shuffle, 0, last);
    random.shuffle(shuffle, last, shuffle.length);
    try (NpyWriter writer = writer(SHUFFLE, NpyType.UINT32, "(%d,)", shuffle.length)) {
      writer.putInts(shuffle);
      writer.finish();
    }
  }

  private NpyWriter writer(String name, NpyType type, String shape, long rows) throws IOException {
    return cache.writer(name, type, shape.formatted(rows));
  }

  private int numDocuments() {
    return slice.to() - slice.from();
  }

  private void requireRoom() {
    long longest = Math.max(plan.numEpochs() * numDocuments(), plan.numSamples());
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
