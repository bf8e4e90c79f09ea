package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.CheckpointFolders.Retention;
import io.tanuki4j.checkpoint.TrainState.RankTensors;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.comm.TextExchange;
import io.tanuki4j.error.UserException;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointStoreTest {
  private static final int VOCABULARY = 5;

  private final HostDevice device = new HostDevice();

  @TempDir Path folder;

  @Test
  void an_empty_or_missing_folder_has_no_latest() {
    assertThat(new CheckpointStore(folder).latest()).isEmpty();
    assertThat(new CheckpointStore(folder.resolve("none")).latest()).isEmpty();
    assertThat(new CheckpointStore(folder).iterations()).isEmpty();
  }

  @Test
  void state_comes_back_as_it_was() {
    Map<String, Object> arguments = new LinkedHashMap<>();
    arguments.put("num_layers", 2L);
    arguments.put("lr", 3e-4);
    arguments.put("data_path", List.of("0.3", "日本語"));
    arguments.put("load", null);
    arguments.put("swiglu", true);
    TrainState state =
        new TrainState(
            500,
            1L << 40,
            7,
            VOCABULARY,
            Map.of("step", 499L),
            Map.of("num_steps", 2000L),
            arguments);
    CheckpointStore store = new CheckpointStore(folder.resolve("new"));
    store.save(device, state, List.of(vector("a", 1)), List.of());
    Checkpoint loaded = store.latest().orElseThrow();
    assertThat(loaded.state()).isEqualTo(state);
    assertThat(loaded.folder()).isEqualTo(folder.resolve("new/iter_0000500"));
    assertThat(loaded.has(StateKind.MODEL)).isTrue();
    assertThat(loaded.has(StateKind.OPTIMIZER)).isFalse();
  }

  @Test
  void files_are_named_as_documented() throws IOException {
    new CheckpointStore(folder)
        .save(device, state(500), List.of(vector("a", 1)), List.of(vector("exp_avg.a", 2)));
    assertThat(folder.resolve("latest_checkpointed_iteration.txt")).hasContent("500");
    try (Stream<Path> files = Files.list(folder.resolve("iter_0000500"))) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "manifest.json", "model-rank00000.safetensors", "optimizer-rank00000.safetensors");
    }
  }

  @Test
  void model_and_optimizer_load_apart() {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(1), List.of(vector("a", 1)), List.of(vector("exp_avg.a", 20)));
    ShardedTensor model = vector("a", 0);
    ShardedTensor moment = vector("exp_avg.a", 0);
    Checkpoint checkpoint = store.latest().orElseThrow();
    checkpoint.load(device, StateKind.MODEL, List.of(model), VOCABULARY);
    assertThat(device.values(model.local())).containsExactly(1, 2, 3);
    checkpoint.load(device, StateKind.OPTIMIZER, List.of(moment), VOCABULARY);
    assertThat(device.values(moment.local())).containsExactly(20, 21, 22);
  }

  @Test
  void a_packed_parameter_is_stored_as_its_slices() {
    Shape shape = Shape.of(4, 2);
    ParameterSpec spec =
        new ParameterSpec(
            "qkv",
            shape,
            List.of(
                new ParameterSpec.Slice("q", Shape.of(3, 2), 3, 0, 0),
                new ParameterSpec.Slice("k", Shape.of(2, 2), 1, 1, 0)),
            1,
            true,
            ParameterSpec.Sharing.SHARDED);
    Tensor values = device.counting(shape, DType.F32, 0);
    List<ShardedTensor> pieces =
        ShardedTensor.of(new Parameter(spec, values, values), "exp_avg.", values);
    assertThat(pieces).extracting(ShardedTensor::name).containsExactly("exp_avg.q", "exp_avg.k");
    assertThat(pieces.get(1).region().firstRow()).isEqualTo(1);
    assertThat(device.values(pieces.get(1).local())).containsExactly(6, 7);
  }

  /** Saved by several ranks in one cut of rows and columns, loaded in every other. */
  @Test
  void any_cut_loads_into_any_other() {
    int[][] cuts = {{1, 1}, {2, 1}, {3, 1}, {1, 2}, {1, 4}, {2, 2}, {3, 4}};
    for (int[] saved : cuts) {
      Path run = folder.resolve(Arrays.toString(saved));
      saveInPieces(run, cut(saved, i -> (float) i));
      for (int[] wanted : cuts) {
        List<ShardedTensor> targets = cut(wanted, i -> -1f);
        new CheckpointStore(run)
            .latest()
            .orElseThrow()
            .load(device, StateKind.MODEL, targets, VOCABULARY);
        targets.forEach(this::assertCounts);
      }
    }
  }

  /** Rows of a wide tensor are read one by one where few of their columns are wanted. */
  @Test
  void narrow_parts_of_wide_tensors_load() {
    assertColumnsLoad(3, 40, 2);
  }

  /** More rows than a block has, of which half is wanted. */
  @Test
  void columns_of_long_tensors_load() {
    assertColumnsLoad(2500, 64, 32);
  }

  private void assertColumnsLoad(int rows, int columns, int wanted) {
    Shape global = Shape.of(rows, columns);
    saveInPieces(
        folder,
        List.of(new ShardedTensor("w", global, 0, 0, device.counting(global, DType.F32, 0))));
    List<ShardedTensor> targets = new ArrayList<>();
    for (int column = 0; column < columns; column += wanted) {
      Tensor local = device.zeros(Shape.of(rows, wanted), DType.F32);
      targets.add(new ShardedTensor("w", global, 0, column, local));
    }
    new CheckpointStore(folder)
        .latest()
        .orElseThrow()
        .load(device, StateKind.MODEL, targets, VOCABULARY);
    targets.forEach(this::assertCounts);
  }

  /** Pieces of a tensor of [6, 8], each filled with a function of the global index. */
  private List<ShardedTensor> cut(int[] parts, IntFunction<Float> value) {
    Shape global = Shape.of(6, 8);
    int rows = 6 / parts[0];
    int columns = 8 / parts[1];
    List<ShardedTensor> pieces = new ArrayList<>();
    for (int row = 0; row < 6; row += rows) {
      for (int column = 0; column < 8; column += columns) {
        float[] values = new float[rows * columns];
        for (int i = 0; i < values.length; i++) {
          values[i] = value.apply((row + i / columns) * 8 + column + i % columns);
        }
        Tensor local = device.tensor(Shape.of(rows, columns), DType.F32, values);
        pieces.add(new ShardedTensor("w", global, row, column, local));
      }
    }
    return pieces;
  }

  private void saveInPieces(Path run, List<ShardedTensor> pieces) {
    List<RankTensors> ranks =
        pieces.stream().map(piece -> new RankTensors(List.of(piece), List.of())).toList();
    try (StagedWriter writer = StagedWriter.Size.passing(1 << 10).open(device::openStage)) {
      new SaveFolder(run, TextExchange.ALONE, Retention.ALL)
          .begin(writer, state(1), ranks)
          .finish();
    }
  }

  private void assertCounts(ShardedTensor target) {
    double[] values = device.values(target.local());
    long columns = target.local().dim(1);
    for (int i = 0; i < values.length; i++) {
      long row = target.region().firstRow() + i / columns;
      long column = target.region().firstColumn() + i % columns;
      assertThat(values[i]).isEqualTo((double) (row * target.globalShape().dim(1) + column));
    }
  }

  @Test
  void types_are_converted() {
    CheckpointStore store = new CheckpointStore(folder);
    Shape shape = Shape.of(2);
    Tensor exact = device.tensor(shape, DType.F32, 1.5f, 1.0039064f);
    store.save(device, state(1), List.of(new ShardedTensor("a", shape, 0, 0, exact)), List.of());
    for (DType type : List.of(DType.F64, DType.F32, DType.BF16)) {
      ShardedTensor target = new ShardedTensor("a", shape, 0, 0, device.zeros(shape, type));
      store.latest().orElseThrow().load(device, StateKind.MODEL, List.of(target), VOCABULARY);
      double rounded = type == DType.BF16 ? 1.0078125 : 1.0039064f;
      assertThat(device.values(target.local())).containsExactly(1.5, rounded);
    }
  }

  @Test
  void more_padding_rows_become_zero_and_fewer_are_cut() {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(1), List.of(vocabulary(6, 1)), List.of());
    ShardedTensor larger = vocabulary(8, 100);
    store.latest().orElseThrow().load(device, StateKind.MODEL, List.of(larger), VOCABULARY);
    assertThat(device.values(larger.local()))
        .containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0);
    ShardedTensor smaller = vocabulary(5, 100);
    store.latest().orElseThrow().load(device, StateKind.MODEL, List.of(smaller), VOCABULARY);
    assertThat(device.values(smaller.local())).containsExactly(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
  }

  @Test
  void padding_may_begin_inside_a_later_shard() {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(1), List.of(vocabulary(5, 1)), List.of());
    Tensor local = device.counting(Shape.of(4, 2), DType.F32, 100);
    ShardedTensor second = new ShardedTensor("embedding.weight", Shape.of(8, 2), 4, 0, local);
    store.latest().orElseThrow().load(device, StateKind.MODEL, List.of(second), VOCABULARY);
    assertThat(device.values(local)).containsExactly(9, 10, 0, 0, 0, 0, 0, 0);
  }

  @Test
  void no_real_vocabulary_row_is_cut_or_made_up() {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(1), List.of(vocabulary(6, 1)), List.of());
    Checkpoint checkpoint = store.latest().orElseThrow();
    assertThatThrownBy(() -> checkpoint.load(device, StateKind.MODEL, List.of(vocabulary(4, 0)), 4))
        .hasMessageContaining("does not fit (its tokenizer has 5 ids, this one 4)")
        .hasMessageContaining(
            "embedding.weight is F32 [6, 2] in the checkpoint and F32 [4, 2] here");
    assertThatThrownBy(() -> checkpoint.load(device, StateKind.MODEL, List.of(vocabulary(8, 0)), 7))
        .hasMessageContaining("(its tokenizer has 5 ids, this one 7)");
  }

  @Test
  void other_tensors_must_have_their_shape() {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(1), List.of(vector("norm.weight", 1)), List.of());
    Tensor local = device.zeros(Shape.of(4), DType.F32);
    ShardedTensor target = new ShardedTensor("norm.weight", Shape.of(4), 0, 0, local);
    assertThatThrownBy(
            () ->
                store
                    .latest()
                    .orElseThrow()
                    .load(device, StateKind.MODEL, List.of(target), VOCABULARY))
        .hasMessage(
            folder
                + "/iter_0000001: its model state does not fit: 1 tensor is different"
                + " (norm.weight is F32 [3] in the checkpoint and F32 [4] here)."
                + " Give the flags it was trained with, for example by --use-checkpoint-args.");
  }

  @Test
  void all_differences_are_told_at_once() {
    CheckpointStore store = new CheckpointStore(folder);
    List<ShardedTensor> saved = new ArrayList<>();
    List<ShardedTensor> wanted = new ArrayList<>();
    for (int i = 0; i < 7; i++) {
      saved.add(vector("old." + i, i));
      wanted.add(vector("new." + i, i));
    }
    store.save(device, state(1), List.of(vector("a", 1)), saved);
    assertThatThrownBy(
            () ->
                store.latest().orElseThrow().load(device, StateKind.OPTIMIZER, wanted, VOCABULARY))
        .isExactlyInstanceOf(UserException.class)
        .hasMessageContaining("its optimizer state does not fit: 7 tensors are missing in it")
        .hasMessageContaining("(new.0, new.1, new.2, new.3, new.4 and 2 more);")
        .hasMessageContaining("7 tensors are not part of this run (old.0,")
        .hasMessageEndingWith("Add --no-load-optim or --finetune to start without it.");
  }

  @Test
  void saving_an_iteration_again_replaces_it() {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(1), List.of(vector("a", 1)), List.of(vector("m", 1)));
    store.save(device, state(1), List.of(vector("a", 7)), List.of());
    assertThat(folder).isDirectoryNotContaining("glob:**.{saving,replaced,writing}");
    ShardedTensor target = vector("a", 0);
    Checkpoint checkpoint = store.latest().orElseThrow();
    checkpoint.load(device, StateKind.MODEL, List.of(target), VOCABULARY);
    assertThat(device.values(target.local())).containsExactly(7, 8, 9);
    assertThat(checkpoint.has(StateKind.OPTIMIZER)).isFalse();
  }

  @Test
  void a_kill_between_the_renames_of_a_replacement_loses_nothing() throws IOException {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(1), List.of(vector("a", 1)), List.of());
    Files.move(folder.resolve("iter_0000001"), folder.resolve("iter_0000001.replaced"));
    Files.createDirectory(folder.resolve("iter_0000001.saving"));
    ShardedTensor target = vector("a", 0);
    store.latest().orElseThrow().load(device, StateKind.MODEL, List.of(target), VOCABULARY);
    assertThat(device.values(target.local())).containsExactly(1, 2, 3);

    store.save(device, state(2), List.of(vector("a", 5)), List.of());
    assertThat(store.iterations()).containsExactly(1L, 2L);
    assertThat(store.at(1).state().iteration()).isEqualTo(1);
    assertThat(folder).isDirectoryNotContaining("glob:**.{saving,replaced}");
  }

  @Test
  void leftovers_of_dead_saves_are_removed_and_nothing_else() throws IOException {
    Files.createDirectories(folder.resolve("iter_0000400.saving/sub"));
    Files.writeString(folder.resolve("iter_0000400.saving/model.writing"), "half");
    Files.createDirectory(folder.resolve("mine.saving"));
    Files.createDirectory(folder.resolve("iter_0000300"));
    new CheckpointStore(folder).save(device, state(1), List.of(vector("a", 1)), List.of());
    assertThat(folder.resolve("iter_0000400.saving")).doesNotExist();
    assertThat(folder.resolve("mine.saving")).exists();
    assertThat(folder.resolve("iter_0000300")).exists();
  }

  @Test
  void a_foreign_folder_is_not_replaced() throws IOException {
    Files.createDirectories(folder.resolve("iter_0000001/mp_rank_00"));
    CheckpointStore store = new CheckpointStore(folder);
    assertThatThrownBy(() -> store.save(device, state(1), List.of(vector("a", 1)), List.of()))
        .hasMessage(
            folder
                + "/iter_0000001: it exists and has no manifest.json, so it is not replaced."
                + " Save into another folder.");
    assertThat(folder.resolve("iter_0000001/mp_rank_00")).exists();
  }

  @Test
  void a_failed_save_says_so_and_gives_the_space_back() {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(1), List.of(vector("a", 1)), List.of());
    ShardedTensor unreadable =
        ShardedTensor.whole(
            "a",
            ElementType.F32,
            Shape.of(3),
            (first, into) -> {
              throw new IOException("No space left on device");
            });
    assertThatThrownBy(() -> store.save(state(2), List.of(unreadable), List.of()))
        .isInstanceOf(UncheckedIOException.class)
        .hasMessage(
            folder
                + ": saving iteration 2 failed: No space left on device."
                + " Earlier checkpoints are untouched.");
    assertThat(store.latest().orElseThrow().state().iteration()).isEqualTo(1);
    assertThat(folder.resolve("iter_0000002.saving")).doesNotExist();
  }

  private static TrainState state(long iteration) {
    return new TrainState(iteration, iteration * 8, 0, VOCABULARY, Map.of(), Map.of(), Map.of());
  }

  private ShardedTensor vector(String name, float from) {
    Shape shape = Shape.of(3);
    return new ShardedTensor(name, shape, 0, 0, device.counting(shape, DType.F32, from));
  }

  private ShardedTensor vocabulary(long rows, float from) {
    Shape shape = Shape.of(rows, 2);
    Tensor local = device.counting(shape, DType.F32, from);
    return new ShardedTensor("embedding.weight", shape, 0, 0, local);
  }
}
