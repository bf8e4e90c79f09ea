package io.tanuki4j.comm.rendezvous;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The secret by which ranks of several machines recognise each other. It comes from the
 * environment, from a file that the environment names, or from the user's own file, which {@code
 * launch} creates.
 */
public final class RunSecret {
  static final String VARIABLE = "TANUKI4J_RUN_SECRET";
  static final String FILE_VARIABLE = "TANUKI4J_RUN_SECRET_FILE";

  /** A shorter secret could be guessed by trying. */
  private static final int MIN_CHARS = 16;

  private static final int MAX_BYTES = 4096;
  private static final String OWN_FILE = ".config/tanuki4j/run-secret";
  private static final Set<PosixFilePermission> PRIVATE =
      EnumSet.of(PosixFilePermission.OWNER_READ, PosixFilePermission.OWNER_WRITE);

  private RunSecret() {}

  /**
   * Returns the secret that the environment gives, directly or as a file.
   *
   * @return empty if it gives none
   * @throws UserException if it is too short, or others can read the file
   */
  static String given(Map<String, String> environment) {
    String text = environment.get(VARIABLE);
    if (text != null) {
      return longEnough(VARIABLE, text.strip());
    }
    String file = environment.get(FILE_VARIABLE);
    return file == null ? "" : read(Path.of(file), FILE_VARIABLE + ": ");
  }

  /**
   * Returns the secret of ranks that meet across machines.
   *
   * @param meeting where they meet
   * @throws UserException if there is none
   */
  static String require(Map<String, String> environment, String meeting) {
    String given = given(environment);
    if (!given.isEmpty()) {
      return given;
    }
    Path own = ownFile(environment);
    if (own != null && Files.exists(own, LinkOption.NOFOLLOW_LINKS)) {
      return read(own, "");
    }
    throw new UserException(
        "%s: not set (expected: a secret that only the ranks of this run have, since they meet at %s, beyond this machine). Set it to the same %d or more characters on all machines, name a file of mode 0600 by %s, or copy machine 0's %s, which tanuki4j launch makes there."
            .formatted(VARIABLE, meeting, MIN_CHARS, FILE_VARIABLE, own == null ? OWN_FILE : own));
  }

  /**
   * Returns the path of the user's own file, whether or not it exists; null for a user without a
   * home.
   */
  private static @Nullable Path ownFile(Map<String, String> environment) {
    String home = environment.get("HOME");
    return home == null || home.isBlank() ? null : Path.of(home).resolve(OWN_FILE);
  }

  /**
   * Creates the user's own file, unless there is a secret already.
   *
   * @return the new file, or null
   */
  public static @Nullable Path makeIfMissing(Map<String, String> environment) {
    Path own = ownFile(environment);
    if (own == null || !given(environment).isEmpty() || Files.exists(own)) {
      return null;
    }
    try {
      Files.createDirectories(own.getParent());
      Set<StandardOpenOption> fresh =
          EnumSet.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      try (OutputStream out =
          Channels.newOutputStream(
              Files.newByteChannel(own, fresh, PosixFilePermissions.asFileAttribute(PRIVATE)))) {
        out.write((HexFormat.of().formatHex(RunKey.nonce()) + "\n").getBytes(UTF_8));
      }
      return own;
    } catch (IOException e) {
      throw new UserException(
          "%s: the secret of the run cannot be written (%s). Set %s on all machines."
              .formatted(own, e.getMessage(), VARIABLE),
          e);
    }
  }

  private static String read(Path file, String before) {
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MAX_BYTES) {
        throw new UserException(
            "%s%s: it is no file that holds a secret (expected: a line of %d or more characters)."
                .formatted(before, file, MIN_CHARS));
      }
      Set<PosixFilePermission> modes = Files.getPosixFilePermissions(file);
      if (modes.stream().anyMatch(RunSecret::isForOthers)) {
        throw new UserException(
            "%s%s: mode %s (expected: rw-------, since it holds the secret of the run). Run chmod 600 on it."
                .formatted(before, file, PosixFilePermissions.toString(modes)));
      }
      return longEnough(before + file, new String(Files.readAllBytes(file), UTF_8).strip());
    } catch (IOException | UnsupportedOperationException e) {
      throw new UserException(
          "%s%s: the secret of the run cannot be read (%s). Check the path."
              .formatted(before, file, e.getMessage()),
          e);
    }
  }

  private static boolean isForOthers(PosixFilePermission mode) {
    return !mode.name().startsWith("OWNER_");
  }

  private static String longEnough(String where, String secret) {
    if (secret.length() < MIN_CHARS) {
      throw new UserException(
          "%s: a secret of %d characters (expected: %d or more, so that it cannot be tried out). Make one with: openssl rand -hex 32"
              .formatted(where, secret.length(), MIN_CHARS));
    }
    return secret;
  }
}
