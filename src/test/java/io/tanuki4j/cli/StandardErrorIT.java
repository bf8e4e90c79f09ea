package io.tanuki4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What {@code scripts/tanuki4j} leaves on standard error. */
@Timeout(120)
class StandardErrorIT {
  @TempDir Path folder;

  /** Makes a source tree with the script and a jar that leads to the classes under test. */
  @BeforeEach
  void build() throws IOException {
    Files.createDirectories(folder.resolve("scripts"));
    Files.createDirectories(folder.resolve("target"));
    Files.copy(Path.of("scripts/tanuki4j"), folder.resolve("scripts/tanuki4j"));
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest
        .getMainAttributes()
        .put(
            Attributes.Name.CLASS_PATH,
            Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator))
                .map(entry -> Path.of(entry).toUri().toString())
                .collect(Collectors.joining(" ")));
    try (OutputStream out = Files.newOutputStream(folder.resolve("target/tanuki4j.jar"))) {
      new JarOutputStream(out, manifest).close();
    }
  }

  /** Runs the script; what it writes is in the files out and err. */
  private int run(String... words) throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(List.of("bash", folder.resolve("scripts/tanuki4j").toString()));
    command.addAll(List.of(words));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectOutput(folder.resolve("out").toFile())
            .redirectError(folder.resolve("err").toFile());
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    return builder.start().waitFor();
  }

  private String said(String file) throws IOException {
    return Files.readString(folder.resolve(file), UTF_8);
  }

  @Test
  void java_warns_nobody() throws IOException, InterruptedException {
    assertThat(run("--version")).as(said("err")).isZero();
    assertThat(said("out")).startsWith("tanuki4j ");
    assertThat(said("err")).isEmpty();
  }

  @Test
  void sentences_are_there_when_the_program_has_ended() throws IOException, InterruptedException {
    for (int i = 0; i < 3; i++) {
      assertThat(run("inspect", "nothing-of-this-name")).isNotZero();
      assertThat(said("err")).startsWith("tanuki4j inspect: ").endsWith(".\n");
    }
  }

  @Test
  void launched_ranks_warn_nobody_either() throws IOException, InterruptedException {
    assertThat(run("launch", "--nproc-per-node", "2", "--", "inspect", "nothing-of-this-name"))
        .isNotZero();
    assertThat(said("err")).contains("[rank 0] tanuki4j inspect: ").doesNotContain("WARNING");
  }
}
