package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.HostDevice;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.data.IndexedDatasetWriter;
import io.tanuki4j.data.TokenType;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class InspectCommandTest {
  @TempDir private Path folder;

  /** A run that is given no folder for its sample orders makes one named like the corpus. */
  @Test
  void shows_a_corpus_that_has_a_folder_of_sample_orders() throws IOException {
    Path prefix = folder.resolve("c");
    try (var writer = new IndexedDatasetWriter(prefix, TokenType.UINT16)) {
      writer.addDocument(List.of(new int[] {1, 2, 3}));
      writer.finish();
    }
    Files.createDirectories(prefix.resolve("cache").resolve("GPTDataset_indices"));
    StringWriter out = new StringWriter();
    CommandLine command = new CommandLine(new InspectCommand()).setOut(new PrintWriter(out));
    assertThat(command.execute(prefix.toString())).isZero();
    assertThat(out.toString()).startsWith(prefix + ": token file").contains("tokens");
  }

  @Test
  void a_hugging_face_folder_begins_with_what_the_model_is() {
    String model = "src/test/resources/models/bf16-shards";
    StringWriter out = new StringWriter();
    CommandLine command = new CommandLine(new InspectCommand()).setOut(new PrintWriter(out));
    assertThat(command.execute(model)).isZero();
    List<String> lines = out.toString().lines().toList();
    assertThat(lines.get(0)).isEqualTo(model + ": Hugging Face's model");
    assertThat(lines.get(1)).matches("  parameters +[0-9,]+ in BF16");
    assertThat(lines.get(2)).contains("shape").contains("layers, hidden size");
    assertThat(lines.get(3)).matches("  size +0\\.\\d{3} GB in \\d+ files");
  }

  @Test
  void a_checkpoint_whose_file_is_cut_or_missing_is_not_whole() throws IOException {
    HostDevice device = new HostDevice();
    Shape shape = Shape.of(4, 2);
    ShardedTensor tensor =
        new ShardedTensor("a", shape, 0, 0, device.counting(shape, DType.F32, 1));
    TrainState state = new TrainState(7, 0, 0, 4, Map.of(), Map.of(), Map.of());
    new CheckpointStore(folder).save(device, state, List.of(tensor), List.of());
    assertThat(inspected(0)).isEmpty();
    Path file = folder.resolve("iter_0000007").resolve("model-rank00000.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 1));
    assertThat(inspected(1))
        .contains(
            "/iter_0000007: model-rank00000.safetensors has %d bytes (expected: the %d of manifest.json)."
                .formatted(bytes.length - 1, bytes.length));
    Files.delete(file);
    assertThat(inspected(1)).contains("/iter_0000007: model-rank00000.safetensors is missing.");
  }

  /** Returns what inspecting the folder says of failures. */
  private String inspected(int exitCode) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine command =
        Main.commandLine().setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    assertThat(command.execute("inspect", folder.toString())).isEqualTo(exitCode);
    command.getOut().flush();
    assertThat(out.toString()).contains("iterations  ", "1 tensors in 1 pieces in 1 files");
    return err.toString();
  }
}
