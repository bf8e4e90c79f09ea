package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Samples of {@code seqLength + 1} tokens cut from one split of one corpus, whose documents are
 * joined end to end in random order. The order is exactly that of Megatron-LM (core 0.12).
 */
final class GptDataset implements TokenDataset {
  static final String CLASS = "GPTDataset";

  private final Corpus corpus;
  private final OrderSettings.Slice slice;
  private final OrderSettings settings;
  private final CacheWork work;
  private final SampleOrder.Arrays order;

  private GptDataset(
      Corpus corpus,
      OrderSettings.Slice slice,
      OrderSettings settings,
      CacheWork work,
      SampleOrder.Arrays order) {
    this.corpus = corpus;
    this.slice = slice;
    this.settings = settings;
    this.work = work;
    this.order = order;
  }

  /**
   * Builds the sample order, or finds it in the cache.
   *
   * @param work that this order shares with the others of the run
   * @throws UserException if the slice has too few tokens, the cache is damaged or cannot be
   *     written
   */
  static GptDataset build(
      Corpus corpus, OrderSettings.Slice slice, OrderSettings settings, CacheWork work) {
    long tokens = corpus.numTokens(slice.from(), slice.to());
    boolean oneEpoch = slice.numSamples() == null;
    long min = oneEpoch ? settings.seqLength() + 1L : 1;
    if (tokens < min) {
      throw new UserException(
          ("%s: %d tokens in %d documents (expected: at least %d to give %s samples). Use"
                  + " more data or give this split a larger share.")
              .formatted(
                  slice.describe(),
                  tokens,
                  slice.to() - slice.from(),
                  min,
                  oneEpoch ? "any" : slice.numSamples()));
    }
    EpochCounts plan = EpochCounts.of(tokens, settings.seqLength(), slice.numSamples());
    IndexCache cache = cache(slice, settings, work);
    var order = new SampleOrder(corpus, slice, settings, plan, cache, work).load();
    return new GptDataset(corpus, slice, settings, work, order);
  }

  @Override
  public long size() {
    return order.shuffle().rows();
  }

  /**
   * Returns the tokens of one sample.
   *
   * @throws UserException if one is not an id of the vocabulary, or the cache is damaged
   */
  @Override
  public int[] sample(long index) {
    try {
      return tokens(index);
    } catch (InternalError e) {
      throw corpus.unreadable(e);
    } finally {
      corpus.requireWhole();
      work.requireKept();
    }
  }

  private int[] tokens(long index) {
    Objects.checkIndex(index, size());
    long row = order.shuffle().get(index);
    if (row >= size() || row < 0) {
      throw damaged(index);
    }
    int[] tokens = new int[settings.seqLength() + 1];
    int filled = 0;
    long offset = order.samples().get(2 * row + 1);
    long last = order.samples().get(2 * row + 2);
    for (long position = order.samples().get(2 * row); position <= last; position++) {
      int document = document(index, position);
      long end = position == last ? order.samples().get(2 * row + 3) + 1 : corpus.length(document);
      if (offset < 0
          || offset > end
          || end > corpus.length(document)
          || end - offset > tokens.length - filled) {
        throw damaged(index);
      }
      int count = (int) (end - offset);
      corpus.read(document, (int) offset, count, tokens, filled);
      filled += count;
      offset = 0;
    }
    if (filled < tokens.length) {
      throw damaged(index);
    }
    requireVocabulary(index, tokens);
    return tokens;
  }

  /** Returns the description that names this order in Megatron's caches. */
  Map<String, @Nullable Object> identifiers() {
    return settings.identifiers(slice);
  }

  /** Describes this dataset for messages. */
  String describe() {
    return slice.describe();
  }

  @Override
  public void close() {
    corpus.close();
  }

  private int document(long index, long position) {
    long document =
        position < 0 || position >= order.documents().rows() ? -1 : order.documents().get(position);
    if (document < slice.from() || document >= slice.to()) {
      throw damaged(index);
    }
    return (int) document;
  }

  private void requireVocabulary(long index, int[] tokens) {
    for (int token : tokens) {
      if (token < 0 || token >= settings.vocabSize()) {
        throw new UserException(
            ("%s: sample %d holds token %d (expected: 0 to %d, the vocabulary)."
                    + " Preprocess the data with the tokenizer of this run.")
                .formatted(slice.describe(), index, token, settings.vocabSize() - 1));
      }
    }
  }

  private UserException damaged(long index) {
    return new UserException(
        ("%s: the place of sample %d is not in the data. The cache %s is damaged or of"
                + " other data; delete it, and it is built again.")
            .formatted(slice.describe(), index, cache(slice, settings, work).file("*")));
  }

  private static IndexCache cache(
      OrderSettings.Slice slice, OrderSettings settings, CacheWork work) {
    Path configured = settings.cacheDir();
    Path dir = configured != null ? configured : Path.of(slice.path(), "cache", CLASS + "_indices");
    String description = PythonJson.dumps(settings.identifiers(slice));
    return new IndexCache(dir, CLASS, slice.split(), description, work);
  }
}
