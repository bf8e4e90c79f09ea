package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.SaveLock.Pulse;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** One run at a time saves into a folder, and a run that has ended blocks no other. */
class SaveLockTest {
  private static final Pulse QUICK = new Pulse(Duration.ofMillis(20), 4);

  /** Long enough for a machine that is busy. */
  private static final Pulse PATIENT = new Pulse(Duration.ofMillis(20), 500);

  private final List<String> log = new ArrayList<>();

  @TempDir Path folder;

  private SaveLock take() throws IOException {
    return SaveLock.take(folder, QUICK, log::add);
  }

  @Test
  void a_lock_that_was_given_back_can_be_taken_again() throws IOException {
    take().close();
    assertThat(file()).isEmptyFile();
    try (SaveLock lock = take()) {
      lock.requireOwn();
      assertThat(LockHolder.read(file())).extracting(LockHolder::process).isEqualTo(ownPid());
    }
    assertThat(log).isEmpty();
  }

  private static long ownPid() {
    return ProcessHandle.current().pid();
  }

  @Test
  void another_process_has_it_until_it_is_killed() throws Exception {
    Process other =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xshare:auto",
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                LockedFolder.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      assertThat(other.inputReader().readLine()).isEqualTo("locked");
      assertThatThrownBy(this::take)
          .isInstanceOf(UserException.class)
          .hasMessageStartingWith(
              "--save: %s (expected: a folder that no other run saves into; process %d on "
                  .formatted(folder, other.pid()))
          .hasMessageEndingWith(" does). Wait for its end, or choose another folder.");
    } finally {
      other.destroyForcibly().waitFor();
    }
    assertThat(LockHolder.read(file())).extracting(LockHolder::process).isEqualTo(other.pid());
    take().close();
    assertThat(log).isEmpty();
  }

  @Test
  void a_living_holder_on_another_machine_keeps_it_where_locks_do_not_reach() throws Exception {
    AtomicReference<LockHolder> elsewhere = new AtomicReference<>(elsewhere());
    Files.write(file(), elsewhere().toBytes());
    ScheduledExecutorService heart = Executors.newSingleThreadScheduledExecutor();
    long millis = PATIENT.interval().toMillis();
    heart.scheduleAtFixedRate(() -> beat(elsewhere), millis, millis, TimeUnit.MILLISECONDS);
    try {
      assertThatThrownBy(() -> SaveLock.take(folder, PATIENT, log::add))
          .isInstanceOf(UserException.class)
          .hasMessageContaining("process 4711 on node7, started 2026-11-29T18:46:47Z does)");
    } finally {
      heart.shutdownNow();
    }
  }

  private void beat(AtomicReference<LockHolder> holder) {
    try {
      byte[] text = holder.updateAndGet(LockHolder::next).toBytes();
      Files.write(file(), text, StandardOpenOption.WRITE);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void a_dead_holder_on_another_machine_loses_it() throws IOException {
    Files.write(file(), elsewhere().toBytes());
    try (SaveLock lock = take()) {
      lock.requireOwn();
    }
    assertThat(log)
        .containsExactly(
            "--save: %s is of process 4711 on node7, started 2026-11-29T18:46:47Z: waiting up to 0 s"
                    .formatted(file())
                + " whether it lives",
            "--save: it gives no sign of life, so its lock is taken over");
  }

  @Test
  void text_that_is_none_is_nobody() throws IOException {
    for (String text : new String[] {"", "x", "{}", "null", "[1]", "{\"host\": 5}"}) {
      Files.writeString(file(), text);
      take().close();
    }
    assertThat(log).isEmpty();
  }

  @Test
  void who_lost_it_does_not_save() throws IOException {
    HostDevice device = new HostDevice();
    TrainState state = new TrainState(1, 0, 0, 0, Map.of(), Map.of(), Map.of());
    RankTensors nothing = new RankTensors(List.of(), List.of());
    try (SaveFolder store = new SaveFolder(folder, TextExchange.ALONE, Retention.ALL)) {
      store.lock(log::add);
      store.save(device, state, nothing);
      Files.write(folder.resolve("other"), elsewhere().toBytes());
      Files.move(folder.resolve("other"), file(), StandardCopyOption.REPLACE_EXISTING);
      assertThatThrownBy(() -> store.save(device, state, nothing))
          .isInstanceOf(UserException.class)
          .hasMessageContaining("run.lock was removed or replaced");
    }
    assertThat(LockHolder.read(file())).isEqualTo(elsewhere());
  }

  private Path file() {
    return folder.resolve(SaveLock.NAME);
  }

  private static LockHolder elsewhere() {
    return new LockHolder("a", "node7", "other boot", 4711, "2026-11-29T18:46:47Z", 3);
  }
}
