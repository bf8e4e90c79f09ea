package io.tanuki4j.data;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Builds the dataset of each split from the blend and the split ratios; opens each corpus once. */
final class DatasetBuilder implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(DatasetBuilder.class);

  /** Datasets of a blend are built this much larger than it needs, as Megatron core 0.12 does. */
  private static final double MARGIN = 1 + 0.5 / 100;

  private static final double NANOS_PER_SECOND = 1e9;

  private final DataConfig config;
  private final SampleCounts counts;
  private final OrderSettings settings;
  private final @Nullable SplitRatios ratios;
  private final int eodId;
  private final @Nullable Path temporary;
  private final CacheWork work = CacheWork.ofHalfTheHeap();
  private final Map<String, Corpus> corpora = new ConcurrentHashMap<>();
  private final Map<Request, GptDataset> datasets = new ConcurrentHashMap<>();

  DatasetBuilder(DataConfig config, SampleCounts counts, Tokenizer tokenizer) {
    boolean shared = config.sources().shared() != null;
    boolean separate =
        config.sources().train() != null
            || config.sources().valid() != null
            || config.sources().test() != null;
    if (shared == separate) {
      throw new UserException(
          ("data: %s (expected: one source). Give --data-path with --split, or"
                  + " --train-data-path, --valid-data-path and --test-data-path.")
              .formatted(shared ? "both --data-path and paths per split" : "no path"));
    }
    this.config = config;
    this.counts = counts;
    this.eodId = tokenizer.eodId();
    this.ratios = shared ? SplitRatios.parse(config.sources().split()) : null;
    this.temporary = temporary(config);
    this.settings =
        new OrderSettings(
            config.seed(),
            config.seqLength(),
            shared ? config.sources().split() : null,
            tokenizer.cacheIdentity(),
            tokenizer.vocabSize(),
            temporary == null ? config.reading().cacheDir() : temporary);
  }

  /** Creates a temporary folder for the sample order of mock data, which has none of its own. */
  private static @Nullable Path temporary(DataConfig config) {
    if (!isMock(config) || config.reading().cacheDir() != null) {
      return null;
    }
    try {
      return Files.createTempDirectory("tanuki4j-mock-data");
    } catch (IOException e) {
      throw new UserException(
          "the sample order of the mock data cannot be written (%s). Give a folder by --data-cache-path."
              .formatted(FailureSentence.reason(e)),
          e);
    }
  }

  /** Deletes what was only needed to build; orders that are mapped stay. */
  void deleteTemporary() {
    if (temporary == null) {
      return;
    }
    try (Stream<Path> files = Files.walk(temporary)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot delete " + temporary, e);
    }
  }

  /** Opens all corpora, then builds all sample orders, several at the same time. */
  void prepare() {
    List<Request> requests =
        Arrays.stream(Split.values())
            .flatMap(split -> requests(split).stream())
            .distinct()
            .toList();
    List<String> prefixes = requests.stream().map(Request::prefix).distinct().toList();
    long start = System.nanoTime();
    concurrently(prefixes, prefix -> corpora.put(prefix, open(prefix)));
    double seconds = (System.nanoTime() - start) / NANOS_PER_SECOND;
    LOG.debug("{} corpora opened and checked: {} s", prefixes.size(), "%.2f".formatted(seconds));
    concurrently(requests, request -> datasets.put(request, build(request)));
  }

  private static <T> void concurrently(List<T> items, Consumer<T> action) {
    try {
      Concurrent.run(
          items.stream().map(item -> (Concurrent.Task) () -> action.accept(item)).toList());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * A dataset that a split needs.
   *
   * @param numSamples to build; null for one epoch
   */
  private record Request(String prefix, Split split, @Nullable Long numSamples) {}

  private List<Request> requests(Split split) {
    DataConfig.Blend blend = blend(split);
    if (blend == null) {
      return List.of();
    }
    long count = counts.of(split);
    if (isSingle(blend)) {
      return List.of(new Request(blend.prefixes().get(0), split, count));
    }
    List<Request> requests = new ArrayList<>();
    double[] weights = blend.weights() == null ? null : normalized(blend.weights());
    for (int i = 0; i < blend.prefixes().size(); i++) {
      Long samples = weights == null ? null : (long) Math.ceil(share(count, weights[i]) * MARGIN);
      requests.add(new Request(blend.prefixes().get(i), split, samples));
    }
    return requests;
  }

  /**
   * Returns the prepared dataset of a split; null if it has no data or no samples are requested.
   */
  @Nullable TokenDataset dataset(Split split) {
    DataConfig.Blend blend = blend(split);
    if (blend == null) {
      return null;
    }
    List<GptDataset> parts =
        requests(split).stream().map(request -> requireNonNull(datasets.get(request))).toList();
    if (isSingle(blend)) {
      return parts.get(0);
    }
    return blend.weights() == null
        ? bySize(parts, split)
        : byWeight(parts, normalized(blend.weights()), split);
  }

  /** Lets the disk catch up with what was written. */
  void toDisk() {
    if (temporary == null) {
      work.toDisk();
    }
  }

  /** Closes all corpora. */
  @Override
  public void close() {
    corpora.values().forEach(Corpus::close);
  }

  /** Returns the blend of a split that has data and is asked for samples; otherwise null. */
  private DataConfig.@Nullable Blend blend(Split split) {
    boolean left = ratios != null && !ratios.has(split);
    if (left || counts.of(split) == 0) {
      return null;
    }
    return ratios != null
        ? config.sources().shared()
        : switch (split) {
          case TRAIN -> config.sources().train();
          case VALID -> config.sources().valid();
          case TEST -> config.sources().test();
        };
  }

  /** Megatron uses the weight of a single dataset only if the splits share it. */
  private boolean isSingle(DataConfig.Blend blend) {
    return blend.prefixes().size() == 1 && (ratios == null || blend.weights() == null);
  }

  private static double[] normalized(List<Double> weights) {
    return BlendWeights.normalized(weights.stream().mapToDouble(Double::doubleValue).toArray());
  }

  private static double share(long count, double weight) {
    return Math.ceil(count * weight);
  }

  private TokenDataset byWeight(List<GptDataset> parts, double[] weights, Split split) {
    long size = 0;
    for (double weight : weights) {
      size += (long) share(counts.of(split), weight);
    }
    return blended(parts, split, weights, size);
  }

  private TokenDataset bySize(List<GptDataset> parts, Split split) {
    double[] sizes = parts.stream().mapToDouble(GptDataset::size).toArray();
    long available = parts.stream().mapToLong(GptDataset::size).sum();
    if (available < counts.of(split)) {
      throw new UserException(
          ("%s data: one epoch of all datasets has %d samples (expected: the %d that the run asks"
                  + " for). Give each dataset in --data-path a weight, so that they repeat, or ask for"
                  + " less: --train-iters, --eval-iters or a larger --eval-interval.")
              .formatted(split.label(), available, counts.of(split)));
    }
    return blended(parts, split, sizes, counts.of(split));
  }

  private TokenDataset blended(List<GptDataset> parts, Split split, double[] weights, long size) {
    return BlendedDataset.build(parts, split, weights, size, config.reading().cacheDir(), work);
  }

  private Corpus open(String prefix) {
    return isMock(config)
        ? new MockCorpus(settings.vocabSize(), eodId)
        : IndexedDataset.open(Path.of(prefix), config.reading().memoryMapped());
  }

  private static boolean isMock(DataConfig config) {
    return DataConfig.Blend.MOCK.equals(config.sources().shared());
  }

  private GptDataset build(Request request) {
    Corpus corpus = requireNonNull(corpora.get(request.prefix()));
    Split split = request.split();
    int n = corpus.numSequences();
    int from = ratios == null ? 0 : ratios.from(split, n);
    int to = ratios == null ? n : ratios.to(split, n);
    var slice = new OrderSettings.Slice(request.prefix(), split, from, to, request.numSamples());
    return GptDataset.build(corpus, slice, settings, work);
  }
}
