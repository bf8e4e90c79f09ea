package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.error.DamagedException;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Each way to break a checkpoint, and the sentence it gets. */
class DamagedCheckpointTest {
  private static final String MODEL = "model-rank00000.safetensors";
  private static final String ELSEWHERE = ". Iterations that can be loaded with --ckpt-step: 300.";

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
              + " Iterations that can be loaded with --ckpt-step: 300, 500.");
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
    edit("\"iteration\": 500", "\"iteration\": 900");
    assertRefused(
        file("manifest.json")
            + ": its checksum is wrong: it was changed after it was written"
            + ELSEWHERE);
  }

  @Test
  void manifest_of_a_newer_version() throws IOException {
    edit("\"version\": 1", "\"version\": 2");
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
            + " has 139 bytes (expected: the 140 of manifest.json)"
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
    assertRefused(MODEL + " has ", " bytes (expected: the 140 of manifest.json)");
  }

  @Test
  void no_optimizer_state() {
    Checkpoint checkpoint = new CheckpointStore(folder).at(300);
    assertThatThrownBy(() -> checkpoint.load(device, StateKind.OPTIMIZER, List.of(), 0))
        .isExactlyInstanceOf(UserException.class)
        .hasMessage(
            folder
                + "/iter_0000300: it has no optimizer state. Add --no-load-optim or --finetune.");
  }

  @Test
  void iteration_that_was_never_saved() {
    assertThatThrownBy(() -> new CheckpointStore(folder).at(7))
        .isExactlyInstanceOf(DamagedException.class)
        .hasMessageStartingWith(folder + "/iter_0000007: there is no such checkpoint.");
  }

  @Test
  void checkpoint_of_megatron_in_torch_format() throws IOException {
    Files.createDirectories(folder.resolve("iter_0000700/mp_rank_00"));
    Files.writeString(tracker(), "700");
    assertRefused(
        folder
            + "/iter_0000700: it is a Megatron checkpoint in torch format. Convert it first:"
            + " convert --loader megatron --saver tanuki4j --load-dir ");
  }

  @Test
  void checkpoint_of_megatron_in_torch_dist_format() throws IOException {
    Path place = Files.createDirectory(folder.resolve("iter_0000700"));
    Files.writeString(place.resolve("metadata.json"), "{}");
    Files.writeString(tracker(), "700");
    assertRefused(place + ": it is a Megatron checkpoint in torch_dist format. Convert it first: ");
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
        .isExactlyInstanceOf(UserException.class)
        .hasMessage(
            other
                + ": it is a Hugging Face folder. Convert it first: convert --loader hf --saver"
                + " tanuki4j --load-dir "
                + other
                + " --save-dir DIR.");
  }

  /** Otherwise no older checkpoint would be taken. */
  @Test
  void a_number_that_damage_made_not_finite_is_damage() throws IOException {
    byte[] bytes = Files.readAllBytes(file(MODEL));
    bytes[bytes.length - 2] = (byte) 0xc0;
    bytes[bytes.length - 1] = 0x7f;
    Files.write(file(MODEL), bytes);
    assertRefused(MODEL + " has the checksum ", "its bytes have changed" + ELSEWHERE);
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(
            () ->
                new CheckpointStore(folder)
                    .latest()
                    .orElseThrow()
                    .load(device, StateKind.MODEL, List.of(weights()), 0))
        .isInstanceOfAny(UserException.class)
        .hasMessageContainingAll(parts);
  }

  private void edit(String from, String to) throws IOException {
    String text = Files.readString(file("manifest.json"));
    assertThat(text).contains(from);
    Files.writeString(file("manifest.json"), text.replace(from, to));
  }

  /** Edits the manifest and gives it the checksum that is right then, as an attacker would. */
  private void forge(String from, String to) throws IOException {
    edit(from, to);
    String text = Files.readString(file("manifest.json"));
    String body = text.substring(text.indexOf('\n') + 1);
    CRC32C crc = new CRC32C();
    crc.update(body.getBytes(StandardCharsets.UTF_8));
    Files.writeString(
        file("manifest.json"), "{ \"crc32c\": \"%08x\",\n%s".formatted(crc.getValue(), body));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"state\": {            | \"stat\": {              | it lacks state",
        "\"files\": [            | \"file\": [              | it lacks files",
        "\"tensors\": [          | \"tensor\": [            | it lacks tensors",
        "\"arguments\": {}       | \"arguments\": null      | it lacks arguments",
        "\"optimizer\": {}       | \"optimizer\": null      | it lacks optimizer",
        "\"iteration\": 500      | \"iteration\": 300       | its iteration is 300 (expected: that"
            + " of its folder, iter_0000500)",
        "\"iteration\": 500      | \"iterations\": 500      | its iteration is 0 (expected: 1 or"
            + " more)",
        "\"consumedTrainSamples\": 0 | \"consumedTrainSamples\": -1 | consumedTrainSamples is below"
            + " 0",
        "\"vocabSize\": 0        | \"vocabSize\": 1e99      | it is no manifest of a checkpoint",
        "\"part\": \"MODEL\"     | \"part\": \"OTHER\"      | it lacks the part of"
            + " model-rank00000.safetensors",
        "\"size\": 140           | \"size\": -140           | the size of"
            + " model-rank00000.safetensors is below 0",
        "\"name\": \"a\"         | \"nam\": \"a\"           | it lacks a tensor's name",
        "\"dtype\": \"F32\"      | \"dtype\": null          | it lacks the dtype of a",
        "\"rows\": 3             | \"rows\": 4              | a piece of tensor a leaves its shape",
        "\"rows\": 3             | \"rows\": 2              | the pieces of tensor a have 2"
            + " elements (expected for [3]: 3)",
        "\"firstRow\": 0         | \"firstRow\": 9223372036854775807 | a piece of tensor a leaves"
            + " its shape",
        "\"region\": {           | \"regio\": {             | it lacks the region of a piece of a",
        "\"name\": \"model-rank00000.safetensors\" | \"name\": \"model\" | tensor a is in a file"
            + " that is none of its part's",
        "model-rank00000.safetensors | ../../x               | it names the file ../../x (expected:"
            + " a plain name in its own folder)",
        "model-rank00000.safetensors | /abs                  | it names the file /abs (expected: a"
            + " plain name in its own folder)",
        "model-rank00000.safetensors | ..                    | it names the file .. (expected: a"
            + " plain name in its own folder)",
        "model-rank00000.safetensors | a\\u0000b             | it names the file a",
      })
  void manifest_of_a_right_checksum_and_wrong_content(String from, String to, String reason)
      throws IOException {
    forge(from, to);
    assertRefused(file("manifest.json") + ": " + reason);
  }

  @Test
  void other_iterations_are_named_if_they_are_whole() throws IOException {
    CheckpointStore store = new CheckpointStore(folder);
    for (long iteration : new long[] {100, 200, 400}) {
      store.save(device, state(iteration), List.of(weights()), List.of());
    }
    Files.delete(folder.resolve("iter_0000100").resolve(MODEL));
    Files.writeString(folder.resolve("iter_0000200/manifest.json"), "{}");
    Files.writeString(tracker(), "400");
    Files.delete(folder.resolve("iter_0000400/manifest.json"));
    assertRefused("Iterations that can be loaded with --ckpt-step: 300, 500.");
    assertThat(store.beforeLatest()).containsExactly(300L);
    Files.writeString(tracker(), "x");
    assertThat(store.beforeLatest()).containsExactly(500L, 300L);
  }

  @Test
  void nothing_else_that_could_be_loaded() throws IOException {
    Files.delete(folder.resolve("iter_0000300/manifest.json"));
    Files.delete(file(MODEL));
    assertRefused(MODEL + " is missing. No other iteration there can be loaded: choose another");
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
