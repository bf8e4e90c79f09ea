package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import picocli.CommandLine;

/** Each argument file of configs/ is a run that fits on the devices that its comment names. */
class ConfigsTest {
  private static final Path FOLDER = Path.of("configs");

  /** GiB of a device, by file. */
  private static final Map<String, Integer> DEVICE_MEMORY =
      Map.of("quickstart", 1, "tiny-cpu", 1, "debug", 1, "llama-1b", 80, "llama-8b-4gpu", 80);

  static Stream<String> configs() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files
          .map(file -> file.getFileName().toString().replace(".args", ""))
          .sorted()
          .toList()
          .stream();
    }
  }

  @Test
  void every_file_has_a_device() throws IOException {
    assertThat(configs().toList()).hasSameElementsAs(DEVICE_MEMORY.keySet());
  }

  @ParameterizedTest
  @MethodSource("configs")
  void it_fits(String name) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    String file = "@" + FOLDER.resolve(name + ".args");
    String memory = String.valueOf(DEVICE_MEMORY.get(name));
    int code = Main.run(commandLine, "plan", file, "--device-memory", memory);
    assertThat(code).as(err.toString()).isZero();
    assertThat(List.of(out.toString().split("\n"))).contains("fits into " + memory + ".0 GiB");
  }
}
