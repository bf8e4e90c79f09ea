package io.tanuki4j.run;

import io.tanuki4j.config.RunConfig;
import io.tanuki4j.data.BatchSource;
import io.tanuki4j.data.DataConfig;
import io.tanuki4j.data.Datasets;
import io.tanuki4j.data.MicrobatchBuilder;
import io.tanuki4j.data.Prefetcher;
import io.tanuki4j.data.SampleCounts;
import io.tanuki4j.data.SequentialBatches;
import io.tanuki4j.data.SequentialBatches.Share;
import io.tanuki4j.data.ShuffledEpochs;
import io.tanuki4j.data.TokenDataset;
import io.tanuki4j.metrics.RunLog;
import io.tanuki4j.metrics.StartupLines;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.train.BatchSources;
import io.tanuki4j.train.Progress;
import org.jspecify.annotations.Nullable;

/** Opens a rank's data: of each step the samples of its replica of the model. */
final class RunData {
  /** Micro-batches that each source of data reads ahead for every worker. */
  private static final int PREFETCH = 2;

  private final RunConfig config;
  private final Tokenizer tokenizer;
  private final Share share;
  private final RunLog log;
  private final Closer closer;

  /**
   * @param closer takes what is opened
   */
  RunData(
      RunConfig config, Tokenizer tokenizer, ParallelContext context, RunLog log, Closer closer) {
    this.config = config;
    this.tokenizer = tokenizer;
    this.share =
        new Share(
            config.train().batches().microBatchSize(), context.dp().rank(), context.dp().size());
    this.log = log;
    this.closer = closer;
  }

  /** Returns the samples that the run needs. */
  SampleCounts counts() {
    return SampleCounts.of(
        config.train().length().iterations(),
        config.train().length().samples(),
        config.train().batches().globalBatchSize(),
        config.train().evaluations().interval(),
        config.train().evaluations().iterations());
  }

  /**
   * @param turns the ranks' order, since the first one to come writes the sample orders
   */
  BatchSources open(SampleCounts counts, Progress start, RankTurns turns) {
    log.message("> building train, validation, and test datasets ...");
    StartupLines.targetSizes(counts.train(), counts.valid(), counts.test()).forEach(log::message);
    log.message("> building train, validation, and test datasets for GPT ...");
    Datasets datasets =
        closer.add(turns.run(() -> Datasets.build(config.data(), counts, tokenizer)));
    log.message("> finished creating GPT datasets ...");
    return new BatchSources(
        batches(datasets.train(), "train", start.consumedTrainSamples()),
        batches(datasets.valid(), "validation", start.consumedValidSamples()),
        batches(datasets.test(), "test", 0));
  }

  private @Nullable BatchSource batches(
      @Nullable TokenDataset dataset, String name, long consumed) {
    if (dataset == null) {
      return null;
    }
    DataConfig data = config.data();
    MicrobatchBuilder builder = new MicrobatchBuilder(data.documents(), tokenizer.eodId());
    TokenDataset ordered =
        data.reading().cyclic() ? new ShuffledEpochs(dataset, name, share, consumed) : dataset;
    BatchSource source = new SequentialBatches(ordered, name, share, builder, consumed);
    return data.reading().numWorkers() == 0
        ? source
        : closer.add(new Prefetcher(source, PREFETCH * data.reading().numWorkers()));
  }
}
