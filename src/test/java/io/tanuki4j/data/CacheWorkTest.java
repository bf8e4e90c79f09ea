package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

class CacheWorkTest {
  private static final long MIB = 1 << 20;

  @TempDir private Path dir;

  @Test
  void builds_that_do_not_fit_together_take_turns() throws IOException {
    CacheWork work = new CacheWork(100 * MIB);
    AtomicInteger running = new AtomicInteger();
    AtomicInteger most = new AtomicInteger();
    Concurrent.Task task =
        () ->
            work.within(
                60 * MIB,
                () -> {
                  most.accumulateAndGet(running.incrementAndGet(), Math::max);
                  Thread.yield();
                  running.decrementAndGet();
                });
    Concurrent.run(IntStream.range(0, 50).mapToObj(i -> task).toList());
    assertThat(most).hasValue(1);
    assertThat(work.fits(60 * MIB)).isTrue();
    assertThat(work.fits(100 * MIB)).isFalse();
  }

  /** Each waits until the other runs. */
  @Test
  @Timeout(10)
  void builds_that_fit_run_at_the_same_time() throws IOException {
    CacheWork work = new CacheWork(100 * MIB);
    CountDownLatch both = new CountDownLatch(2);
    Concurrent.Task task =
        () ->
            work.within(
                40 * MIB,
                () -> {
                  both.countDown();
                  await(both);
                });
    Concurrent.run(List.of(task, task));
    assertThat(both.getCount()).isZero();
  }

  @Test
  void a_build_larger_than_all_there_is_runs_alone() throws IOException {
    List<String> done = new ArrayList<>();
    new CacheWork(MIB).within(1 << 30, () -> done.add("large"));
    assertThat(done).containsExactly("large");
  }

  @Test
  @Timeout(10)
  void a_file_that_does_not_reach_the_disk_ends_the_run_with_its_name() throws IOException {
    CacheWork work = new CacheWork(MIB);
    Path kept = Files.createFile(dir.resolve("kept.npy"));
    Path lost = Files.createDirectory(dir.resolve("lost.npy"));
    work.wrote(kept);
    work.wrote(dir.resolve("deleted.npy"));
    work.toDisk();
    assertThatCode(work::requireKept).doesNotThrowAnyException();
    work.wrote(lost);
    work.toDisk();
    assertThatThrownBy(() -> untilItThrows(work))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(lost + ": the sample order did not reach the disk (")
        .hasMessageEndingWith(
            "). Delete it, and give a writable folder with room by --data-cache-path.");
  }

  @Test
  void the_failure_of_the_first_task_counts() {
    List<Concurrent.Task> tasks =
        List.of(
            () -> {},
            () -> {
              throw new IOException("first");
            },
            () -> {
              throw new UserException("second");
            });
    assertThatThrownBy(() -> Concurrent.run(tasks))
        .isInstanceOf(IOException.class)
        .hasMessage("first");
    assertThatThrownBy(() -> Concurrent.run(tasks.subList(2, 3)))
        .isInstanceOf(UserException.class)
        .hasMessage("second");
    assertThatThrownBy(
            () ->
                Concurrent.forEach(
                    9,
                    i -> {
                      throw new IOException("one of " + i);
                    }))
        .isInstanceOf(IOException.class)
        .hasMessageStartingWith("one of ");
  }

  private static void untilItThrows(CacheWork work) {
    while (true) {
      work.requireKept();
      Thread.onSpinWait();
    }
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
