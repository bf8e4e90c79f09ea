package io.tanuki4j.data;

import io.tanuki4j.error.Unchecked;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

/**
 * Reads micro-batches of another source ahead, on one daemon thread. Whatever that source throws,
 * {@link #next()} throws on each call. Closing closes the other source too.
 */
public final class Prefetcher implements BatchSource {
  private final BatchSource source;
  private final ExecutorService reader =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread thread = new Thread(task, "data-prefetch");
            thread.setDaemon(true);
            return thread;
          });
  private final Deque<Future<Ahead>> pending = new ArrayDeque<>();
  private long consumed;

  private record Ahead(TokenBatch batch, long consumedSamples) {}

  /**
   * Starts to read ahead.
   *
   * @param source from now on used only by this prefetcher
   * @param depth micro-batches to hold ready, at least 1
   */
  public Prefetcher(BatchSource source, int depth) {
    if (depth < 1) {
      throw new IllegalArgumentException(
          "prefetch depth: %d (expected: 1 or more).".formatted(depth));
    }
    this.source = source;
    this.consumed = source.consumedSamples();
    for (int i = 0; i < depth; i++) {
      pending.add(reader.submit(this::read));
    }
  }

  @Override
  public TokenBatch next() {
    Ahead ahead = await(pending.element());
    pending.remove();
    pending.add(reader.submit(this::read));
    consumed = ahead.consumedSamples();
    return ahead.batch();
  }

  @Override
  public boolean masksTokens() {
    return source.masksTokens();
  }

  /** Counts what {@link #next()} has returned, not what was read ahead. */
  @Override
  public long consumedSamples() {
    return consumed;
  }

  @Override
  public long numSamples() {
    return source.numSamples();
  }

  /** Waits for the read in progress: an interrupt would close the file for its other readers. */
  @Override
  public void close() {
    reader.shutdown();
    pending.forEach(future -> future.cancel(false));
    try {
      reader.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    source.close();
  }

  private Ahead read() {
    TokenBatch batch = source.next();
    return new Ahead(batch, source.consumedSamples());
  }

  private static Ahead await(Future<Ahead> future) {
    try {
      return future.get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted while waiting for a micro-batch", e);
    } catch (ExecutionException e) {
      throw Unchecked.of("a micro-batch cannot be read", e.getCause());
    }
  }
}
