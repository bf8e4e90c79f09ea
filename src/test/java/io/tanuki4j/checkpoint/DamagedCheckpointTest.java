package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Each way to break a checkpoint, and the sentence it gets. */
class DamagedCheckpointTest {
  private static final String MODEL = "model-rank00000.safetensors";
  private static final String ELSEWHERE = ". Load another iteration with --ckpt-step";

  private final HostDevice device = new HostDevice();

  @TempDir Path folder;

  @BeforeEach
  void save_two_checkpoints() {
    CheckpointStore store = new CheckpointStore(folder);
    store.save(device, state(300), List.of(weights()), List.of());
    store.save(device, state(500), List.of(weights()), List.of());
  }

  @Test
  void tracker_with_garbage() throws IOException {
    for (String word : new String[] {"", "0", "-3", "five", "1e3", "99999999999999999999"}) {
      Files.writeString(tracker(), word);
      assertRefused(
          tracker()
              + ": '"
              + word
              + "' (expected: an iteration such as 500, or release)."
              + " Write into it which to load.");
    }
  }

  @Test
  void tracker_of_megabytes() throws IOException {
    Files.write(tracker(), new byte[1 << 20]);
    assertRefused(tracker() + ": '' (expected: an iteration such as 500, or release)");
  }

  @Test
  @Timeout(10)
  void tracker_that_is_a_pipe_which_nothing_writes_to() throws Exception {
    Files.delete(tracker());
    assertThat(new ProcessBuilder("mkfifo", tracker().toString()).start().waitFor()).isZero();
    assertThatThrownBy(() -> new CheckpointStore(folder).latest())
        .isInstanceOf(UserException.class)
        .hasMessage(
            tracker()
                + ": not a regular file (expected: one that holds an iteration). Replace it.");
  }

  @Test
  void tracker_that_points_to_nothing() throws IOException {
    Files.writeString(tracker(), "400");
    assertRefused(
        folder
            + "/iter_0000400: there is no such checkpoint."
            + " Iterations that can be loaded with --ckpt-step: 300, 500.");
  }

  @Test
  void tracker_that_names_a_release_which_is_not_there() throws IOException {
    Files.writeString(tracker(), "release\n");
    assertRefused(folder + "/release: there is no such checkpoint");
  }

  @Test
  void iteration_without_manifest() throws IOException {
    Files.delete(file("manifest.json"));
    assertRefused(
        file("")
            + ": it has no manifest.json, so it is no whole checkpoint."
            + " Iterations that can be loaded with --ckpt-step: 300.");
  }

  @Test
  void load_folder_that_is_a_file() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertThatThrownBy(() -> new CheckpointStore(file).latest())
        .hasMessage(file + ": it is a file (expected: a folder of checkpoints). Name the folder.");
  }

  @Test
  void manifest_that_is_empty_or_cut_short() throws IOException {
    byte[] manifest = Files.readAllBytes(file("manifest.json"));
    for (int length : new int[] {0, 1, 30, manifest.length / 2, manifest.length - 3}) {
      Files.write(file("manifest.json"), Arrays.copyOf(manifest, length));
      assertRefused(file("manifest.json") + ": it is no manifest of a checkpoint", ELSEWHERE);
    }
  }

  @Test
  void manifest_that_was_edited() throws IOException {
    replace("\"iteration\": 500", "\"iteration\": 900");
    assertRefused(
        file("manifest.json")
            + ": its checksum is wrong: it was changed after it was written"
            + ELSEWHERE);
  }

  @Test
  void manifest_of_a_newer_version() throws IOException {
    replace("\"version\": 1", "\"version\": 2");
    assertRefused(
        file("manifest.json")
            + ": version 2 (expected: 1). Load it with the program that wrote it, or a newer one");
  }

  @Test
  void manifest_of_another_program() throws IOException {
    for (String json : new String[] {"[]", "{}", "null", "{\"format\": \"x\"}", "7"}) {
      Files.writeString(file("manifest.json"), json);
      assertRefused(file("manifest.json") + ": it is no manifest of a checkpoint");
    }
  }

  @Test
  void missing_shard() throws IOException {
    Files.delete(file(MODEL));
    assertRefused(file("") + ": " + MODEL + " is missing" + ELSEWHERE);
  }

  @Test
  void shard_cut_short() throws IOException {
    byte[] bytes = Files.readAllBytes(file(MODEL));
    Files.write(file(MODEL), Arrays.copyOf(bytes, bytes.length - 1));
    assertRefused(
        file("")
            + ": "
            + MODEL
            + " has 107 bytes (expected: the 108 of manifest.json)"
            + ELSEWHERE);
  }

  @Test
  void one_flipped_bit_anywhere_in_a_shard() throws IOException {
    byte[] bytes = Files.readAllBytes(file(MODEL));
    for (int i = 0; i < bytes.length; i++) {
      byte[] damaged = bytes.clone();
      damaged[i] = (byte) (damaged[i] ^ (1 << (i % 8)));
      Files.write(file(MODEL), damaged);
      assertRefused(MODEL);
    }
    bytes[bytes.length - 1] ^= 1;
    Files.write(file(MODEL), bytes);
    assertRefused(MODEL + " has the checksum ", "its bytes have changed" + ELSEWHERE);
  }

  @Test
  void shard_of_another_checkpoint_with_the_same_size() throws IOException {
    Shape shape = Shape.of(3);
    Path other = folder.resolve("other");
    new CheckpointStore(other)
        .save(
            device,
            state(500),
            List.of(new ShardedTensor("b", shape, 0, 0, device.zeros(shape, DType.F32))),
            List.of());
    Files.copy(
        other.resolve("iter_0000500").resolve(MODEL),
        file(MODEL),
        StandardCopyOption.REPLACE_EXISTING);
    assertRefused(file(MODEL) + ": there is no tensor a in it");
  }

  @Test
  void shard_that_is_a_folder() throws IOException {
    Files.delete(file(MODEL));
    Files.createDirectory(file(MODEL));
    assertRefused(MODEL + " has ", " bytes (expected: the 108 of manifest.json)");
  }

  @Test
  void no_optimizer_state() {
    Checkpoint checkpoint = new CheckpointStore(folder).at(300);
    assertThatThrownBy(() -> checkpoint.load(device, Part.OPTIMIZER, List.of(), 0))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            folder
                + "/iter_0000300: it has no optimizer state. Add --no-load-optim or --finetune.");
  }

  @Test
  void iteration_that_was_never_saved() {
    assertThatThrownBy(() -> new CheckpointStore(folder).at(7))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith(folder + "/iter_0000007: there is no such checkpoint.");
  }

  @Test
  void checkpoint_of_megatron_in_torch_format() throws IOException {
    Files.createDirectories(folder.resolve("iter_0000700/mp_rank_00"));
    Files.writeString(tracker(), "700");
    assertRefused(
        folder
            + "/iter_0000700: it is a Megatron checkpoint in torch format, which this version"
            + " does not read. Export it to a Hugging Face folder and convert that");
  }

  @Test
  void checkpoint_of_megatron_in_torch_dist_format() throws IOException {
    Path place = Files.createDirectory(folder.resolve("iter_0000700"));
    Files.writeString(place.resolve("metadata.json"), "{}");
    Files.writeString(tracker(), "700");
    assertRefused(place + ": it is a Megatron checkpoint in torch_dist format, which this");
  }

  @Test
  void one_iteration_in_place_of_the_folder_above() {
    assertThatThrownBy(() -> new CheckpointStore(file("")).latest())
        .hasMessage(
            folder
                + "/iter_0000500: it is one checkpoint (expected: the folder above it)."
                + " Choose the iteration with --ckpt-step.");
  }

  @Test
  void hugging_face_folder() throws IOException {
    Path other = Files.createDirectory(folder.resolve("hf"));
    Files.writeString(other.resolve("config.json"), "{}");
    assertThatThrownBy(() -> new CheckpointStore(other).latest())
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            other
                + ": it is a Hugging Face folder. Convert it first: convert --loader hf --saver"
                + " tanuki4j --load-dir "
                + other
                + " --save-dir DIR.");
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(
            () ->
                new CheckpointStore(folder)
                    .latest()
                    .orElseThrow()
                    .load(device, Part.MODEL, List.of(weights()), 0))
        .isExactlyInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }

  private void replace(String from, String to) throws IOException {
    String text = Files.readString(file("manifest.json"));
    Files.writeString(file("manifest.json"), text.replace(from, to));
  }

  private Path tracker() {
    return new CheckpointStore(folder).trackerFile();
  }

  private Path file(String name) {
    return folder.resolve("iter_0000500").resolve(name);
  }

  private ShardedTensor weights() {
    Shape shape = Shape.of(3);
    return new ShardedTensor("a", shape, 0, 0, device.counting(shape, DType.F32, 1));
  }

  private static TrainState state(long iteration) {
    return new TrainState(iteration, 0, 0, 0, Map.of(), Map.of(), Map.of());
  }
}
