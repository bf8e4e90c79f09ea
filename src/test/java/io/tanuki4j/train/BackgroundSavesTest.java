package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.SaveFolder;
import io.tanuki4j.checkpoint.SaveFolder.JointSave;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.StagedWriter;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.RankConnection;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.comm.inprocess.RankThreads;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.parallel.Agreement;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Saves behind training, on one rank and on two that have to agree. */
class BackgroundSavesTest {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void a_save_that_cannot_be_published_is_told_once_and_nothing_follows_it(int numRanks) {
    RankThreads.run(
        numRanks,
        LIMIT,
        seat -> {
          try (Device device = new CpuBackend(1).openDevice(0);
              MemoryScope scope = device.openScope("test")) {
            failOnce(seat, device, scope);
          }
        });
    CheckpointStore store = new CheckpointStore(folder);
    assertThat(store.iterations()).containsExactly(1L, 3L);
    assertThat(store.latest().orElseThrow().state().iteration()).isEqualTo(3);
  }

  private void failOnce(RankConnection seat, Device device, MemoryScope scope) {
    List<Integer> all = IntStream.range(0, seat.worldSize()).boxed().toList();
    ProcessGroup world = seat.processGroups(device).create("world", List.of(all));
    SaveFolder save = new SaveFolder(folder, TextExchange.over(world, device), Retention.ALL);
    RankTensors tensors = new RankTensors(List.of(tensor("w" + world.rank())), List.of());
    List<String> log = new ArrayList<>();
    BackgroundSaves saves = new BackgroundSaves(new Agreement(world, device, scope), log::add);
    try (StagedWriter stage = save.openStage(device, tensors, 1 << 20, line -> {})) {
      for (long iteration = 1; iteration <= 3; iteration++) {
        JointSave begun = save.begin(stage, state(iteration), List.of(tensors));
        String followed = "published " + iteration;
        if (iteration == 2 && world.rank() == 0) {
          createFolder(folder.resolve("iter_0000002.saving/manifest.json"));
        }
        saves.add(begun, () -> log.add(followed));
        while (saves.isPending()) {
          saves.poll();
        }
        assertThat(saves.finish()).isEqualTo(iteration == 2);
      }
    }
    assertThat(log).hasSize(3).startsWith("published 1").endsWith("published 3");
    assertThat(log.get(1))
        .startsWith("WARNING: ")
        .contains(folder + ": saving iteration 2 failed: ")
        .endsWith("The run continues; its next save waits for the disk.");
  }

  private static void createFolder(Path place) {
    try {
      Files.createDirectory(place);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static ShardedTensor tensor(String name) {
    return ShardedTensor.whole(
        name, ElementType.F32, Shape.of(3), (first, into) -> into.position(into.limit()));
  }

  private static TrainState state(long iteration) {
    return new TrainState(iteration, 0, 0, 0, Map.of(), Map.of(), Map.of());
  }
}
