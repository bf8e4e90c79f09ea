package io.tanuki4j.data.preprocess;

import io.tanuki4j.data.IndexedDatasetWriter;
import io.tanuki4j.data.TokenType;
import io.tanuki4j.error.Unchecked;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;

/**
 * Turns JSON lines into token files. The caller's thread reads lines in batches and writes
 * documents in order; the workers tokenize. Memory holds only a few batches per worker.
 */
public final class Preprocessor implements AutoCloseable {
  private static final int BATCHES_PER_WORKER = 4;

  /** Limits the batches in flight when lines are very long. */
  private static final long MAX_PENDING_BYTES = 1L << 26;

  private final PreprocessConfig config;
  private final LineTokenizer lineTokenizer;
  private final TokenType type;
  private final Consumer<Progress> onProgress;
  private final ExecutorService workers;
  private final List<IndexedDatasetWriter> writers = new ArrayList<>();
  private final long bytesTotal;
  private final long start = System.nanoTime();
  private long bytesOfPasses;
  private long documents;
  private long textBytes;
  private long tokens;

  /**
   * A batch whose lines are being tokenized.
   *
   * @param size bytes of the batch
   * @param bytesRead of the input files when the batch was read
   */
  private record Pending(Future<List<Document>> documents, int size, long bytesRead) {}

  /**
   * What was written.
   *
   * @param corpora names without .bin and .idx, one per key
   */
  public record Result(Progress progress, long tokens, TokenType type, List<Path> corpora) {}

  private Preprocessor(
      PreprocessConfig config, Tokenizer tokenizer, Consumer<Progress> onProgress) {
    this.config = config;
    this.onProgress = onProgress;
    lineTokenizer = new LineTokenizer(tokenizer, config.jsonKeys(), config.appendEod());
    type = TokenType.forVocabulary(tokenizer.vocabSize());
    bytesTotal = config.inputs().stream().mapToLong(Preprocessor::size).sum() * config.numPasses();
    workers = Executors.newFixedThreadPool(config.workers(), Preprocessor::thread);
  }

  /**
   * Reads all inputs and writes a corpus for each key; only complete corpora become visible.
   *
   * @param onProgress called on this thread after each batch of lines
   * @throws UserException if an input is bad; the message names file and line
   */
  public static Result run(
      PreprocessConfig config, Tokenizer tokenizer, Consumer<Progress> onProgress) {
    try (Preprocessor preprocessor = new Preprocessor(config, tokenizer, onProgress)) {
      return preprocessor.run();
    }
  }

  private Result run() {
    for (String key : config.jsonKeys()) {
      writers.add(new IndexedDatasetWriter(config.prefix(key), type));
    }
    for (int part = 0; part < config.numPasses(); part++) {
      pass(part);
    }
    if (documents == 0) {
      throw new UserException(
          "--input: %s (expected: lines, but there are none). Check the files."
              .formatted(config.inputs()));
    }
    writers.forEach(IndexedDatasetWriter::finish);
    return new Result(
        progress(bytesTotal),
        tokens,
        type,
        config.jsonKeys().stream().map(config::prefix).toList());
  }

  private void pass(int part) {
    Queue<Pending> pending = new ArrayDeque<>();
    long pendingBytes = 0;
    try (LineBatches batches = new LineBatches(config.inputs())) {
      for (LineBatch batch = batches.next(); batch != null; batch = batches.next()) {
        pending.add(submit(batch, part, bytesOfPasses + batches.bytesRead()));
        pendingBytes += batch.size();
        while (pending.size() > config.workers() * BATCHES_PER_WORKER
            || (pending.size() > 1 && pendingBytes > MAX_PENDING_BYTES)) {
          pendingBytes -= pending.element().size();
          write(pending.remove());
        }
      }
      pending.forEach(this::write);
      bytesOfPasses += batches.bytesRead();
    }
  }

  private Pending submit(LineBatch batch, int part, long bytesRead) {
    Future<List<Document>> future =
        workers.submit(() -> lineTokenizer.documents(batch, part, config.numPasses()));
    return new Pending(future, batch.size(), bytesRead);
  }

  private void write(Pending batch) {
    await(batch.documents()).forEach(this::write);
    onProgress.accept(progress(batch.bytesRead()));
  }

  private void write(Document document) {
    for (int key = 0; key < writers.size(); key++) {
      List<int[]> sequences = document.sequences().get(key);
      writers.get(key).addDocument(sequences);
      tokens += sequences.stream().mapToLong(sequence -> sequence.length).sum();
    }
    documents++;
    textBytes += document.textBytes();
  }

  private Progress progress(long bytesRead) {
    long nanos = System.nanoTime() - start;
    return new Progress(documents, textBytes, bytesRead, bytesTotal, nanos);
  }

  private static List<Document> await(Future<List<Document>> documents) {
    try {
      return documents.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted; nothing was written", e);
    } catch (ExecutionException e) {
      throw Unchecked.of("a worker failed", e.getCause());
    }
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new UserException(
          "--input: %s (expected: a file that can be read). Check the path.".formatted(file), e);
    }
  }

  private static Thread thread(Runnable work) {
    Thread thread = new Thread(work, "preprocess");
    thread.setDaemon(true);
    return thread;
  }

  /** Stops the workers and removes incomplete output. */
  @Override
  public void close() {
    workers.shutdownNow();
    writers.forEach(IndexedDatasetWriter::close);
  }
}
