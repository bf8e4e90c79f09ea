package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.data.IndexedDatasetWriter;
import io.tanuki4j.data.TokenType;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
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
}
