package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Where libraries are unpacked and kernels kept. */
class CachesTest {
  private static final String JAVACPP = "org.bytedeco.javacpp.cachedir";
  private static final String DJL = "DJL_CACHE_DIR";

  @TempDir Path folder;
  private String javacpp = "";
  private String djl = "";

  @BeforeEach
  void forget_properties() {
    javacpp = System.getProperty(JAVACPP, "");
    djl = System.getProperty(DJL, "");
    restore("", "");
  }

  @AfterEach
  void restore_properties() {
    restore(javacpp, djl);
  }

  private static void restore(String javacpp, String djl) {
    set(JAVACPP, javacpp);
    set(DJL, djl);
  }

  private static void set(String name, String value) {
    if (value.isEmpty()) {
      System.clearProperty(name);
    } else {
      System.setProperty(name, value);
    }
  }

  @Test
  void one_variable_moves_all() {
    Map<String, String> environment =
        Map.of("TANUKI4J_CACHE_DIR", folder.resolve("new").toString());
    Caches.move(environment);
    assertThat(Caches.folders(environment).values())
        .containsExactly(
            folder.resolve("new/javacpp"), folder.resolve("new/djl"), folder.resolve("new/cuda"));
    assertThat(System.getProperty(JAVACPP)).isEqualTo(folder.resolve("new/javacpp").toString());
  }

  @Test
  void without_it_they_lie_in_the_home() {
    Caches.move(Map.of());
    Path home = Path.of(System.getProperty("user.home"));
    assertThat(Caches.folders(Map.of()).values())
        .containsExactly(
            home.resolve(".javacpp/cache"),
            home.resolve(".djl.ai"),
            home.resolve(".cache/tanuki4j/cuda"));
  }

  @Test
  void a_library_that_was_given_a_folder_keeps_it() {
    Map<String, String> environment =
        Map.of("TANUKI4J_CACHE_DIR", folder.toString(), DJL, "/elsewhere/djl");
    System.setProperty(JAVACPP, "/elsewhere/javacpp");
    Caches.move(environment);
    assertThat(Caches.folders(environment).values())
        .containsExactly(
            Path.of("/elsewhere/javacpp"), Path.of("/elsewhere/djl"), folder.resolve("cuda"));
  }

  @Test
  void a_folder_that_cannot_be_used_ends_the_program() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    for (String given : List.of(file.resolve("below").toString(), " ")) {
      assertThatThrownBy(() -> Caches.move(Map.of("TANUKI4J_CACHE_DIR", given)))
          .isInstanceOf(UserException.class)
          .hasMessageContaining("TANUKI4J_CACHE_DIR: ")
          .hasMessageContaining("expected: a folder that this user can write");
    }
  }

  @Test
  void the_bytes_of_links_count_once() throws IOException {
    Files.writeString(folder.resolve("library.so.1"), "12345");
    Files.createSymbolicLink(folder.resolve("library.so"), folder.resolve("library.so.1"));
    assertThat(Caches.bytes(folder)).isEqualTo(5);
    assertThat(Caches.bytes(folder.resolve("missing"))).isZero();
  }
}
