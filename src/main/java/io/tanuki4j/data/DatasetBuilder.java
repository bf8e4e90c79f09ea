package io.tanuki4j.data;

import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Builds the dataset of each split from the blend and the split ratios; opens each corpus once. */
final class DatasetBuilder implements AutoCloseable {

  /** Datasets of a blend are built this much larger than it needs, as Megatron core 0.12 does. */
  private static final double MARGIN = 1 + 0.5 / 100;

  private final DataConfig config;
  private final SampleCounts counts;
  private final OrderSettings settings;
  private final @Nullable SplitRatios ratios;
  private final int eodId;
  private final @Nullable Path temporary;
  private final Map<String, Corpus> corpora = new HashMap<>();

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

  /** Returns the dataset of a split; null if it has no data or no samples are requested. */
  @Nullable TokenDataset build(Split split) {
    DataConfig.Blend blend = ratios == null ? ownBlend(split) : config.sources().shared();
    boolean left = ratios != null && !ratios.has(split);
    if (blend == null || left || counts.of(split) == 0) {
      return null;
    }
    // Megatron uses the weight of a single dataset only if the splits share it.
    boolean single = blend.prefixes().size() == 1 && (ratios == null || blend.weights() == null);
    if (single) {
      return dataset(blend.prefixes().get(0), split, counts.of(split));
    }
    return blend.weights() == null
        ? bySize(blend.prefixes(), split)
        : byWeight(blend.prefixes(), blend.weights(), split);
  }

  /** Closes all corpora. */
  @Override
  public void close() {
    corpora.values().forEach(Corpus::close);
  }

  private DataConfig.@Nullable Blend ownBlend(Split split) {
    return switch (split) {
      case TRAIN -> config.sources().train();
      case VALID -> config.sources().valid();
      case TEST -> config.sources().test();
    };
  }

  private TokenDataset byWeight(List<String> prefixes, List<Double> given, Split split) {
    double[] weights =
        BlendWeights.normalized(given.stream().mapToDouble(Double::doubleValue).toArray());
    List<GptDataset> datasets = new ArrayList<>();
    long size = 0;
    for (int i = 0; i < weights.length; i++) {
      double used = Math.ceil(counts.of(split) * weights[i]);
      datasets.add(dataset(prefixes.get(i), split, (long) Math.ceil(used * MARGIN)));
      size += (long) used;
    }
    return BlendedDataset.build(datasets, split, weights, size, config.reading().cacheDir());
  }

  private TokenDataset bySize(List<String> prefixes, Split split) {
    List<GptDataset> datasets =
        prefixes.stream().map(prefix -> dataset(prefix, split, null)).toList();
    double[] sizes = datasets.stream().mapToDouble(GptDataset::size).toArray();
    long available = datasets.stream().mapToLong(GptDataset::size).sum();
    if (available < counts.of(split)) {
      throw new UserException(
          ("%s data: one epoch of all datasets has %d samples (expected: the %d that the run asks"
                  + " for). Give each dataset in --data-path a weight, so that they repeat, or ask for"
                  + " less: --train-iters, --eval-iters or a larger --eval-interval.")
              .formatted(split.label(), available, counts.of(split)));
    }
    return BlendedDataset.build(
        datasets, split, sizes, counts.of(split), config.reading().cacheDir());
  }

  private Corpus open(String prefix) {
    return isMock(config)
        ? new MockCorpus(settings.vocabSize(), eodId)
        : IndexedDataset.open(Path.of(prefix), config.reading().memoryMapped());
  }

  private static boolean isMock(DataConfig config) {
    return DataConfig.Blend.MOCK.equals(config.sources().shared());
  }

  private GptDataset dataset(String prefix, Split split, @Nullable Long numSamples) {
    Corpus corpus = corpora.computeIfAbsent(prefix, this::open);
    int n = corpus.numSequences();
    int from = ratios == null ? 0 : ratios.from(split, n);
    int to = ratios == null ? n : ratios.to(split, n);
    return GptDataset.build(
        corpus, new OrderSettings.Slice(prefix, split, from, to, numSamples), settings);
  }
}
