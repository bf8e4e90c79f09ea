package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.comm.CommunicationException;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Ranks that save and load together. */
class JointSaveTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final ToyLayout EIGHT = new ToyLayout(2, 2, 2);

  @TempDir Path folder;

  @FunctionalInterface
  private interface Body {
    void run(TextExchange ranks, HostDevice device);
  }

  private static void onRanks(int numRanks, Body body) {
    RankThreads.run(
        numRanks,
        LIMIT,
        seat -> {
          HostDevice device = new HostDevice();
          body.run(TextExchange.over(world(seat, device), device), device);
        });
  }

  private static ProcessGroup world(RankConnection seat, HostDevice device) {
    List<Integer> all = IntStream.range(0, seat.worldSize()).boxed().toList();
    return seat.processGroups(device).create("world", List.of(all));
  }

  @ParameterizedTest
  @CsvSource({"2,2,2", "1,1,1", "1,3,1", "4,1,2"})
  void what_any_layout_saves_every_other_loads(int tp, int dp, int pp) {
    save(new ToyLayout(tp, dp, pp), 5);
    Stream.of("1,1,1", "4,1,1", "1,1,4", "2,2,2", "1,5,2", "2,1,1")
        .map(text -> text.split(",", -1))
        .map(d -> new ToyLayout(toInt(d[0]), toInt(d[1]), toInt(d[2])))
        .forEach(this::assertLoads);
  }

  private static int toInt(String digits) {
    return Integer.parseInt(digits);
  }

  private void save(ToyLayout layout, long iteration) {
    onRanks(
        layout.worldSize(),
        (ranks, device) -> {
          ToyLayout.Rank rank = layout.rank(device, ranks.rank());
          Stream.of(rank.model(), rank.optimizer())
              .flatMap(List::stream)
              .forEach(tensor -> fill(device, tensor));
          new CheckpointStore(folder, ranks)
              .save(device, state(iteration), rank.model(), rank.optimizer());
        });
  }

  private static void fill(HostDevice device, ShardedTensor tensor) {
    float[] values = new float[(int) tensor.local().numElements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = ToyLayout.value(tensor, i);
    }
    device.write(tensor.local(), values);
  }

  private void assertLoads(ToyLayout layout) {
    AtomicInteger pieces = new AtomicInteger();
    onRanks(
        layout.worldSize(),
        (ranks, device) -> {
          ToyLayout.Rank rank = layout.rank(device, ranks.rank());
          Checkpoint checkpoint = new CheckpointStore(folder, ranks).latest().orElseThrow();
          checkpoint.load(device, StateKind.MODEL, rank.model(), ToyLayout.VOCABULARY);
          checkpoint.load(device, StateKind.OPTIMIZER, rank.optimizer(), ToyLayout.VOCABULARY);
          for (ShardedTensor tensor : rank.model()) {
            assertValues(device, tensor);
            pieces.incrementAndGet();
          }
          rank.optimizer().forEach(tensor -> assertValues(device, tensor));
        });
    assertThat(pieces.get()).isPositive();
  }

  /** Padding rows are the saved ones or zero. */
  private static void assertValues(HostDevice device, ShardedTensor tensor) {
    double[] values = device.values(tensor.local());
    for (int i = 0; i < values.length; i++) {
      boolean padding =
          tensor.name().endsWith("embedding.weight")
              && tensor.region().firstRow() + i / tensor.region().columns() >= ToyLayout.VOCABULARY;
      if (!padding || values[i] != 0) {
        assertThat(values[i]).isEqualTo(ToyLayout.value(tensor, i));
      }
    }
  }

  @Test
  void copies_are_written_once_and_by_turns() throws IOException {
    save(new ToyLayout(1, 1, 1), 1);
    save(EIGHT, 2);
    long alone = bytes(1, "model");
    int morePadding = 4 * 5 * Float.BYTES;
    assertThat(bytes(2, "model")).isEqualTo(alone + morePadding);
    for (int rank = 0; rank < EIGHT.worldSize(); rank++) {
      assertThat(iteration(2).resolve("model-rank%05d.safetensors".formatted(rank))).exists();
      assertThat(iteration(2).resolve("optimizer-rank%05d.safetensors".formatted(rank))).exists();
    }
  }

  private long bytes(long iteration, String part) throws IOException {
    long values = 0;
    try (Stream<Path> files = Files.list(iteration(iteration))) {
      for (Path file : files.filter(f -> f.getFileName().toString().startsWith(part)).toList()) {
        try (SafetensorsReader reader = SafetensorsReader.open(file)) {
          values += reader.tensors().stream().mapToLong(TensorEntry::numBytes).sum();
        }
      }
    }
    return values;
  }

  @Test
  void a_rank_that_cannot_write_fails_the_save_on_all() {
    save(EIGHT, 1);
    AtomicInteger refused = new AtomicInteger();
    onRanks(
        4,
        (ranks, device) -> {
          ShardedTensor mine = tensor("w" + ranks.rank(), ranks.rank() == 2);
          assertThatThrownBy(
                  () -> new CheckpointStore(folder, ranks).save(state(2), List.of(mine), List.of()))
              .isInstanceOf(UncheckedIOException.class)
              .hasMessage(
                  "rank 2: %s: saving iteration 2 failed: No space left on device."
                          .formatted(folder)
                      + " Earlier checkpoints are untouched.");
          refused.incrementAndGet();
        });
    assertThat(refused).hasValue(4);
    assertThat(folder.resolve("iter_0000002.saving")).doesNotExist();
    assertLoads(EIGHT);
  }

  @Test
  void all_ranks_can_try_a_folder_that_is_not_there_yet_and_leave_nothing_in_it() {
    Path fresh = folder.resolve("a/b");
    onRanks(4, (ranks, device) -> new SaveFolder(fresh, ranks, Retention.ALL).requireWritable());
    assertThat(fresh).isEmptyDirectory();
  }

  @Test
  void a_folder_that_one_rank_cannot_write_is_refused_on_all() throws IOException {
    Path file = Files.createFile(folder.resolve("file"));
    AtomicInteger refused = new AtomicInteger();
    onRanks(
        3,
        (ranks, device) -> {
          Path own = ranks.rank() == 1 ? file.resolve("run") : folder;
          assertThatThrownBy(() -> new SaveFolder(own, ranks, Retention.ALL).requireWritable())
              .isInstanceOf(UserException.class)
              .hasMessageStartingWith(
                  "rank 1: --save: %s/run (expected: a folder that can be made and written; trying"
                      .formatted(file));
          refused.incrementAndGet();
        });
    assertThat(refused).hasValue(3);
    assertThat(folder).isDirectoryNotContaining("glob:**trial*");
  }

  @Test
  void ranks_that_would_save_into_different_folders_are_told_before() {
    onRanks(
        2,
        (ranks, device) -> {
          Path own = folder.resolve("machine" + ranks.rank());
          assertThatThrownBy(() -> new SaveFolder(own, ranks, Retention.ALL).requireWritable())
              .isInstanceOf(UserException.class)
              .hasMessageContaining("which rank 1 wrote, is not there (expected: one folder");
          assertThat(own).isEmptyDirectory();
        });
  }

  @Test
  void a_rank_that_dies_while_it_writes_leaves_the_earlier_checkpoint() {
    save(EIGHT, 1);
    assertThatThrownBy(
            () ->
                onRanks(
                    2,
                    (ranks, device) -> {
                      ShardedTensor mine =
                          ShardedTensor.whole(
                              "w" + ranks.rank(),
                              ElementType.F32,
                              Shape.of(3),
                              (first, into) -> {
                                if (ranks.rank() == 1) {
                                  throw new IllegalStateException("killed");
                                }
                                into.position(into.limit());
                              });
                      CheckpointStore store = new CheckpointStore(folder, ranks);
                      if (ranks.rank() == 0) {
                        assertThatThrownBy(() -> store.save(state(2), List.of(mine), List.of()))
                            .isInstanceOf(CommunicationException.class);
                      } else {
                        store.save(state(2), List.of(mine), List.of());
                      }
                    }))
        .hasMessage("killed");
    assertLoads(EIGHT);
    save(EIGHT, 3);
    assertThat(folder).isDirectoryNotContaining("glob:**.saving");
  }

  @Test
  void ranks_that_see_different_folders_are_told() {
    save(EIGHT, 1);
    onRanks(
        2,
        (ranks, device) -> {
          Path seen = ranks.rank() == 0 ? folder : folder.resolve("other");
          CheckpointStore store = new CheckpointStore(seen, ranks);
          assertThatThrownBy(store::latest)
              .isInstanceOf(UserException.class)
              .hasMessage(
                  seen
                      + ": rank 0 sees iter_0000001 in it, rank 1 no checkpoint (expected: one"
                      + " folder that all ranks see). Load from a disk that all machines share.");
          ShardedTensor mine = tensor("w" + ranks.rank(), false);
          assertThatThrownBy(() -> store.save(state(2), List.of(mine), List.of()))
              .isInstanceOf(UserException.class)
              .hasMessageStartingWith(
                  "rank 0: %s: model-rank00001.safetensors, which rank 1 wrote, is not there"
                      .formatted(folder));
        });
  }

  @Test
  void damage_that_one_rank_finds_is_told_by_all() throws IOException {
    save(EIGHT, 1);
    Path shard = iteration(1).resolve("model-rank00005.safetensors");
    byte[] bytes = Files.readAllBytes(shard);
    bytes[bytes.length - 1] ^= 1;
    Files.write(shard, bytes, StandardOpenOption.TRUNCATE_EXISTING);
    ToyLayout layout = new ToyLayout(1, 1, 4);
    onRanks(
        4,
        (ranks, device) -> {
          Checkpoint checkpoint = new CheckpointStore(folder, ranks).latest().orElseThrow();
          List<ShardedTensor> targets = layout.rank(device, ranks.rank()).model();
          assertThatThrownBy(
                  () -> checkpoint.load(device, StateKind.MODEL, targets, ToyLayout.VOCABULARY))
              .isInstanceOf(UserException.class)
              .hasMessageStartingWith( // rank 2 reads most of the file, so it checks the rest
                  "rank 2: %s: model-rank00005.safetensors has the checksum"
                      .formatted(iteration(1)));
        });
  }

  @Test
  void what_no_rank_wants_is_told_by_all() {
    save(EIGHT, 1);
    onRanks(
        2,
        (ranks, device) -> {
          Checkpoint checkpoint = new CheckpointStore(folder, ranks).latest().orElseThrow();
          List<ShardedTensor> firstHalf = new ToyLayout(2, 1, 2).rank(device, ranks.rank()).model();
          assertThatThrownBy(
                  () -> checkpoint.load(device, StateKind.MODEL, firstHalf, ToyLayout.VOCABULARY))
              .hasMessageStartingWith(
                  iteration(1)
                      + ": its model state does not fit: 8 tensors are not part of this run"
                      + " (layers.2.gate, layers.2.up, layers.2.down,");
        });
  }

  private Path iteration(long iteration) {
    return folder.resolve("iter_%07d".formatted(iteration));
  }

  private static ShardedTensor tensor(String name, boolean failing) {
    return ShardedTensor.whole(
        name,
        ElementType.F32,
        Shape.of(3),
        (first, into) -> {
          if (failing) {
            throw new IOException("No space left on device");
          }
          into.position(into.limit());
        });
  }

  private static TrainState state(long iteration) {
    return new TrainState(iteration, 0, 0, ToyLayout.VOCABULARY, Map.of(), Map.of(), Map.of());
  }
}
