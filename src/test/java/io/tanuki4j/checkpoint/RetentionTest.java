package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The files of a folder that remain when a checkpoint is published. */
class RetentionTest {
  /** Folders in folders, whose names can be made too long to delete them, even for root. */
  private static final int DEPTH = 40;

  private static final String LONG = "d".repeat(200);

  private static final List<Long> SAVED = List.of(100L, 200L, 300L, 400L, 500L, 600L);

  private final HostDevice device = new HostDevice();

  @TempDir Path folder;

  private static List<Long> surplus(
      @Nullable Integer interval, @Nullable Integer numNewest, long newest) {
    return new Retention(interval, numNewest).surplus(SAVED, newest);
  }

  @Test
  void without_flags_all_stay() {
    assertThat(surplus(null, null, 600)).isEmpty();
  }

  @Test
  void multiples_of_the_interval_and_the_latest_stay() {
    assertThat(surplus(300, null, 600)).containsExactly(500L, 400L, 200L, 100L);
    assertThat(surplus(300, null, 500)).containsExactly(400L, 200L, 100L);
  }

  @Test
  void so_many_of_the_latest_stay() {
    assertThat(surplus(null, 2, 600)).containsExactly(400L, 300L, 200L, 100L);
    assertThat(surplus(200, 2, 600)).containsExactly(300L, 100L);
  }

  @Test
  void what_is_later_than_the_one_just_saved_is_left_alone() {
    assertThat(surplus(null, 1, 300)).containsExactly(200L, 100L);
  }

  @Test
  void a_save_removes_what_does_not_stay() throws Exception {
    CheckpointStore store = new CheckpointStore(folder);
    Retention retention = new Retention(null, 2);
    for (long iteration : new long[] {1, 2, 3}) {
      save(retention, iteration);
    }
    assertThat(store.iterations()).containsExactly(2L, 3L);
    assertThat(folder).isDirectoryNotContaining("glob:**.removed");
  }

  @Test
  void what_is_being_loaded_stays_until_the_next_save() throws Exception {
    CheckpointStore store = new CheckpointStore(folder);
    Retention retention = new Retention(null, 1);
    save(retention, 1);
    try (ReadHold hold = store.at(1).hold()) {
      save(retention, 2);
      assertThat(store.iterations()).containsExactly(1L, 2L);
    }
    save(retention, 3);
    assertThat(store.iterations()).containsExactly(3L);
  }

  @Test
  void what_cannot_leave_its_name_is_told_and_the_save_counts() throws Exception {
    List<String> log = new ArrayList<>();
    try (SaveFolder saves = new SaveFolder(folder, TextExchange.ALONE, new Retention(null, 1))) {
      saves.lock(log::add);
      save(saves, 1);
      try (StagedWriter writer = StagedWriter.Size.passing(1 << 10).open(device::openStage)) {
        SaveFolder.JointSave second = saves.begin(writer, state(2), List.of(tensors()));
        Files.createDirectories(folder.resolve("iter_0000001.removed/in/the/way"));
        second.finish();
      }
      Checkpoint latest = new CheckpointStore(folder).latest().orElseThrow();
      latest.hold().close();
      assertThat(latest.state().iteration()).isEqualTo(2);
      assertThat(new CheckpointStore(folder).iterations()).containsExactly(1L, 2L);
      assertThat(log).hasSize(1);
      assertThat(log.get(0))
          .startsWith("WARNING: " + folder.resolve("iter_0000001") + " could not be removed: ")
          .endsWith(". The run continues; remove it yourself.");
      save(saves, 3);
      assertThat(new CheckpointStore(folder).iterations()).containsExactly(3L);
      assertThat(log).hasSize(1);
    }
  }

  @Test
  void what_cannot_be_removed_is_told_once_in_each_run() throws Exception {
    List<String> log = new ArrayList<>();
    Path old = folder.resolve("iter_0000001");
    String warning = "WARNING: %s.removed could not be removed: %s.removed/".formatted(old, old);
    try (SaveFolder saves = new SaveFolder(folder, TextExchange.ALONE, new Retention(null, 1))) {
      saves.lock(log::add);
      save(saves, 1);
      Files.createDirectories(old.resolve(nested("d", DEPTH)));
      lengthen(old);
      save(saves, 2);
      save(saves, 3);
    }
    assertThat(log).hasSize(1);
    assertThat(log.get(0)).startsWith(warning);
    try (SaveFolder saves = new SaveFolder(folder, TextExchange.ALONE, new Retention(null, 1))) {
      saves.lock(log::add);
      save(saves, 4);
    }
    assertThat(log).hasSize(2);
    assertThat(log.get(1)).startsWith(warning);
    assertThat(new CheckpointStore(folder).iterations()).containsExactly(4L);
    Path removed = folder.resolve("iter_0000001.removed");
    for (int depth = 1; depth <= DEPTH; depth++) {
      Files.move(
          removed.resolve(nested("d", depth - 1)).resolve(LONG),
          removed.resolve(nested("d", depth)));
    }
  }

  /** Gives nested folders long names, so that the path to the last is longer than systems allow. */
  private static void lengthen(Path folder) throws IOException {
    for (int depth = DEPTH; depth > 0; depth--) {
      Path place = folder.resolve(nested("d", depth));
      Files.move(place, place.resolveSibling(LONG));
    }
  }

  private static String nested(String name, int depth) {
    return String.join("/", Collections.nCopies(depth, name));
  }

  /** A reader exchanges with other ranks after each look at the folder; there a save comes. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void the_latest_can_be_read_wherever_a_save_replaces_it(int exchange) throws Exception {
    Retention retention = new Retention(null, 1);
    save(retention, 1);
    AtomicInteger exchanges = new AtomicInteger();
    Runnable saveOnce =
        () -> {
          if (exchanges.incrementAndGet() == exchange) {
            save(retention, 2);
          }
        };
    Checkpoint latest = new CheckpointStore(folder, ranks(saveOnce)).latest().orElseThrow();
    while (exchanges.get() < exchange) {
      saveOnce.run();
    }
    try (OpenShards shards = latest.open(StateKind.MODEL)) {
      shards.verify();
    }
    save(retention, 3);
    assertThat(new CheckpointStore(folder).iterations()).containsExactly(3L);
  }

  private static TextExchange ranks(Runnable afterLook) {
    return new TextExchange() {
      @Override
      public int rank() {
        return 0;
      }

      @Override
      public int size() {
        return 1;
      }

      @Override
      public List<String> gather(String own) {
        afterLook.run();
        return List.of(own);
      }
    };
  }

  /** The reader lets go of one of its two holds first, as ranks that are threads do. */
  @Test
  void what_another_process_is_reading_stays_until_it_has_finished() throws Exception {
    CheckpointStore store = new CheckpointStore(folder);
    Retention retention = new Retention(null, 1);
    save(retention, 1);
    Process reader =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                System.getProperty("java.class.path"),
                Reader.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try (BufferedReader told = reader.inputReader();
        Writer end = reader.outputWriter()) {
      assertThat(told.readLine()).isEqualTo("reads");
      save(retention, 2);
      assertThat(store.iterations()).containsExactly(1L, 2L);
      end.write("\n");
      end.flush();
      assertThat(reader.waitFor()).isZero();
    } finally {
      reader.destroyForcibly();
    }
    save(retention, 3);
    assertThat(store.iterations()).containsExactly(3L);
  }

  /** A program that has a checkpoint open until it is told to end. */
  static final class Reader {
    private Reader() {}

    public static void main(String[] arguments) throws IOException {
      Checkpoint checkpoint = new CheckpointStore(Path.of(arguments[0])).latest().orElseThrow();
      try (OpenShards shards = checkpoint.open(StateKind.MODEL)) {
        checkpoint.hold().close();
        System.out.println("reads");
        System.in.read();
      }
    }
  }

  private void save(Retention retention, long iteration) {
    save(new SaveFolder(folder, TextExchange.ALONE, retention), iteration);
  }

  private void save(SaveFolder saves, long iteration) {
    saves.save(device, state(iteration), tensors());
  }

  private RankTensors tensors() {
    Tensor values = device.zeros(Shape.of(2), DType.F32);
    return new RankTensors(
        List.of(new ShardedTensor("w", values.shape(), 0, 0, values)), List.of());
  }

  private static TrainState state(long iteration) {
    return new TrainState(iteration, 0, 0, 0, Map.of(), Map.of(), Map.of());
  }
}
