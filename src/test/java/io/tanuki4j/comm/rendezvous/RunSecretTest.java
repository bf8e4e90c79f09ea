package io.tanuki4j.comm.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RunSecretTest {
  private static final String SECRET = "0123456789abcdef";

  @TempDir Path folder;

  private Path file(String text, String mode) throws IOException {
    Path file = Files.writeString(folder.resolve("secret"), text);
    return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
  }

  private static String ofFile(Path file) {
    return RunSecret.given(Map.of("TANUKI4J_RUN_SECRET_FILE", file.toString()));
  }

  @Test
  void is_the_variable_or_else_the_files_text() throws IOException {
    assertThat(RunSecret.given(Map.of("TANUKI4J_RUN_SECRET", SECRET))).isEqualTo(SECRET);
    assertThat(ofFile(file(SECRET + "\n", "rw-------"))).isEqualTo(SECRET);
    assertThat(RunSecret.given(Map.of())).isEmpty();
  }

  @Test
  void a_file_that_others_can_read_is_refused() throws IOException {
    Path file = file(SECRET, "rw-r-----");
    assertThatThrownBy(() -> ofFile(file))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "TANUKI4J_RUN_SECRET_FILE: %s: mode rw-r----- (expected: rw-------, since it holds the secret of the run). Run chmod 600 on it."
                .formatted(file));
  }

  @Test
  void a_short_or_missing_secret_is_refused() throws IOException {
    assertThatThrownBy(() -> RunSecret.given(Map.of("TANUKI4J_RUN_SECRET", "secret")))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(
            "TANUKI4J_RUN_SECRET: a secret of 6 characters (expected: 16 or more");
    Path empty = file("", "rw-------");
    assertThatThrownBy(() -> ofFile(empty))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("a secret of 0 characters");
    assertThatThrownBy(() -> ofFile(folder))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("it is no file that holds a secret");
  }

  @Test
  void is_made_once_in_the_users_own_file_and_found_there() throws IOException {
    Map<String, String> environment = Map.of("HOME", folder.toString());
    Path made = RunSecret.makeIfMissing(environment);
    assertThat(made).isNotNull();
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(made)))
        .isEqualTo("rw-------");
    String secret = RunSecret.require(environment, "node7:29500");
    assertThat(secret).hasSize(2 * RunKey.NONCE_BYTES);
    assertThat(RunSecret.makeIfMissing(environment)).isNull();
    assertThat(RunSecret.require(environment, "node7:29500")).isEqualTo(secret);
  }

  @Test
  void ranks_of_several_machines_without_one_are_told_what_to_do() {
    assertThatThrownBy(() -> RunSecret.require(Map.of("HOME", "/none"), "node7:29500"))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "TANUKI4J_RUN_SECRET: not set (expected: a secret that only the ranks of this run have, since they meet at node7:29500, beyond this machine). Set it to the same 16 or more characters on all machines, name a file of mode 0600 by TANUKI4J_RUN_SECRET_FILE, or copy machine 0's /none/.config/tanuki4j/run-secret, which tanuki4j launch makes there.");
  }
}
