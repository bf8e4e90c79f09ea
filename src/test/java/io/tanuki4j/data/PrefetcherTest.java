package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(10)
class PrefetcherTest {
  /** Counts from {@code first}, two samples per batch, up to a batch at which it fails. */
  private static class Counting implements BatchSource {
    private final AtomicInteger calls = new AtomicInteger();
    private final AtomicBoolean closed = new AtomicBoolean();
    private final CountDownLatch twoRead = new CountDownLatch(2);
    private final int failAt;

    Counting(int failAt) {
      this.failAt = failAt;
    }

    @Override
    public TokenBatch next() {
      if (calls.get() == failAt) {
        throw new UserException("train data: the end");
      }
      assertThat(Thread.currentThread().isDaemon()).isTrue();
      int[] tokens = {calls.getAndIncrement()};
      twoRead.countDown();
      return new TokenBatch(1, 1, tokens, tokens, new float[1]);
    }

    @Override
    public boolean masksTokens() {
      return false;
    }

    @Override
    public long consumedSamples() {
      return 2L * calls.get();
    }

    @Override
    public long numSamples() {
      return 2L * failAt;
    }

    @Override
    public void close() {
      closed.set(true);
    }
  }

  @Test
  void keeps_the_order_and_counts_what_it_returned() {
    Counting source = new Counting(100);
    try (Prefetcher prefetcher = new Prefetcher(source, 4)) {
      assertThat(prefetcher.consumedSamples()).isZero();
      for (int i = 0; i < 20; i++) {
        assertThat(prefetcher.next().tokens()).containsExactly(i);
        assertThat(prefetcher.consumedSamples()).isEqualTo(2 * (i + 1));
      }
    }
    assertThat(source.closed).isTrue();
  }

  @Test
  void reads_ahead_but_no_further_than_its_depth() throws InterruptedException {
    Counting source = new Counting(100);
    Prefetcher prefetcher = new Prefetcher(source, 2);
    source.twoRead.await();
    prefetcher.next();
    prefetcher.close();
    assertThat(source.calls.get()).isBetween(2, 3);
  }

  @Test
  void a_failure_comes_out_where_it_belongs_and_again() {
    try (Prefetcher prefetcher = new Prefetcher(new Counting(3), 8)) {
      for (int i = 0; i < 3; i++) {
        assertThat(prefetcher.next().tokens()).containsExactly(i);
      }
      for (int i = 0; i < 20; i++) {
        assertThatThrownBy(prefetcher::next)
            .isInstanceOf(UserException.class)
            .hasMessage("train data: the end");
      }
      assertThat(prefetcher.consumedSamples()).isEqualTo(6);
    }
  }

  @Test
  void an_error_of_the_reader_does_not_hang_the_run() {
    BatchSource broken =
        new Counting(100) {
          @Override
          public TokenBatch next() {
            throw new InternalError("a mapped file was cut");
          }
        };
    try (Prefetcher prefetcher = new Prefetcher(broken, 1)) {
      assertThatThrownBy(prefetcher::next)
          .isInstanceOf(InternalError.class)
          .hasMessage("a mapped file was cut");
    }
  }

  @Test
  void a_depth_of_none_is_refused() {
    assertThatThrownBy(() -> new Prefetcher(new Counting(1), 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("prefetch depth: 0 (expected: 1 or more).");
  }
}
