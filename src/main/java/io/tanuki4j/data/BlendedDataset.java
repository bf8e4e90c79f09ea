package io.tanuki4j.data;

import io.tanuki4j.error.UserException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Samples of several datasets of one split, mixed by weight in Megatron-LM's order. */
final class BlendedDataset implements TokenDataset {
  private static final String CLASS = "BlendedDataset";

  private final List<GptDataset> datasets;
  private final long size;
  private final BlendOrder order;

  private BlendedDataset(List<GptDataset> datasets, long size, BlendOrder order) {
    this.datasets = datasets;
    this.size = size;
    this.order = order;
  }

  /**
   * Mixes datasets of one split.
   *
   * @param weights above 0, of any sum
   * @param size number of samples
   * @param cacheDir where the order is kept; null to keep it in memory
   * @param work that this order shares with the others of the run
   * @throws UserException if the order needs more samples of a dataset than it has, or the cache is
   *     damaged or cannot be written
   */
  static BlendedDataset build(
      List<GptDataset> datasets,
      Split split,
      double[] weights,
      long size,
      @Nullable Path cacheDir,
      CacheWork work) {
    double[] normalized = BlendWeights.normalized(weights);
    Blending blending =
        new Blending(
            IntStream.range(0, datasets.size())
                .mapToObj(i -> source(datasets.get(i), normalized[i]))
                .toList());
    if (cacheDir == null) {
      return new BlendedDataset(datasets, size, BlendOrder.inMemory(blending, size));
    }
    Map<String, Object> identifiers = new LinkedHashMap<>();
    identifiers.put("class", CLASS);
    identifiers.put("datasets", datasets.stream().map(GptDataset::identifiers).toList());
    identifiers.put("split", split.label());
    identifiers.put("weights", DoubleStream.of(normalized).boxed().toList());
    identifiers.put("size", size);
    IndexCache cache = new IndexCache(cacheDir, CLASS, split, PythonJson.dumps(identifiers), work);
    return new BlendedDataset(datasets, size, BlendOrder.cached(blending, size, cache));
  }

  @Override
  public long size() {
    return size;
  }

  @Override
  public int[] sample(long index) {
    Objects.checkIndex(index, size);
    long dataset = order.datasets().get(index);
    long sample = order.samples().get(index);
    if (dataset < 0 || dataset >= datasets.size() || sample < 0) {
      throw damaged(index);
    }
    GptDataset source = datasets.get((int) dataset);
    if (sample >= source.size()) {
      throw damaged(index);
    }
    return source.sample(sample);
  }

  @Override
  public void close() {
    datasets.forEach(GptDataset::close);
  }

  private static Blending.Source source(GptDataset dataset, double weight) {
    return new Blending.Source(dataset.describe(), weight, dataset.size());
  }

  private static UserException damaged(long index) {
    return new UserException(
        ("blend: sample %d is of no dataset. The cache at --data-cache-path is damaged;"
                + " delete its BlendedDataset files, and they are built again.")
            .formatted(index));
  }
}
