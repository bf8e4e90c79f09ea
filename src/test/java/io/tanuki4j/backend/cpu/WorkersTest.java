package io.tanuki4j.backend.cpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkersTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 8})
  void every_task_runs_once(int numThreads) {
    try (Workers workers = new Workers(numThreads)) {
      for (int numTasks : new int[] {0, 1, 2, 3, 1000}) {
        AtomicIntegerArray runs = new AtomicIntegerArray(numTasks);
        workers.run(numTasks, (index, scratch) -> runs.incrementAndGet(index));
        for (int i = 0; i < numTasks; i++) {
          assertThat(runs.get(i)).isEqualTo(1);
        }
      }
    }
  }

  @Test
  void parts_cover_the_range() {
    try (Workers workers = new Workers(2)) {
      AtomicIntegerArray runs = new AtomicIntegerArray(10);
      workers.runParts(
          10,
          4,
          (from, to, scratch) -> {
            for (int i = (int) from; i < to; i++) {
              runs.addAndGet(i, (int) (to - from));
            }
          });
      assertThat(runs).hasToString("[4, 4, 4, 4, 4, 4, 4, 4, 2, 2]");
    }
  }

  @Test
  void a_failure_of_a_task_reaches_the_caller_and_the_pool_works_on() {
    try (Workers workers = new Workers(2)) {
      assertThatThrownBy(
              () ->
                  workers.run(
                      100,
                      (index, scratch) -> {
                        throw new IllegalArgumentException("task " + index % 1);
                      }))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("task 0");
      AtomicIntegerArray runs = new AtomicIntegerArray(1);
      workers.run(100, (index, scratch) -> runs.incrementAndGet(0));
      assertThat(runs.get(0)).isEqualTo(100);
    }
  }

  @Test
  void a_closed_pool_rejects_work() {
    Workers workers = new Workers(2);
    workers.close();
    assertThatThrownBy(() -> workers.run(1, (index, scratch) -> {}))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("the device has been closed");
  }
}
