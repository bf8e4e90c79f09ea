package io.tanuki4j;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class SourceSizeTest {
  private static final int MAX_LINES = 500;
  private static final int MIN_FILES = 40;

  @Test
  void no_source_file_is_longer_than_500_lines() throws IOException {
    List<Path> files;
    try (Stream<Path> walk = Files.walk(Path.of("src", "main"))) {
      files = walk.filter(path -> path.toString().matches(".*\\.(java|cu)")).toList();
    }
    assertThat(files).as("files found").hasSizeGreaterThan(MIN_FILES);
    assertThat(files)
        .allSatisfy(
            file ->
                assertThat(Files.readAllLines(file))
                    .as("lines of " + file)
                    .hasSizeLessThanOrEqualTo(MAX_LINES));
  }
}
