package io.tanuki4j.tokenizer;

import com.google.gson.JsonElement;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Finds and reads the files that a configuration names. */
final class TokenizerFiles {
  /** At least one id in this many has a token. */
  private static final int MAX_HOLES = 2;

  private TokenizerFiles() {}

  /**
   * Returns where the model is.
   *
   * @throws UserException if none is given
   */
  static Path model(TokenizerConfig config) {
    return given(config.model(), "--tokenizer-model", config.type().source().words(), config);
  }

  /**
   * Returns a path, which must be given.
   *
   * @param expected what the path names, for the message
   */
  static Path given(@Nullable Path path, String flag, String expected, TokenizerConfig config) {
    if (path == null) {
      throw new UserException(
          "%s: not given (expected: %s, for --tokenizer-type %s). Name it."
              .formatted(flag, expected, config.type()));
    }
    return path;
  }

  /**
   * Reads a text.
   *
   * @throws UserException if it cannot be read
   */
  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new UserException(file + ": no such file. Check the path.", e);
    } catch (CharacterCodingException e) {
      throw new UserException(file + ": it is not UTF-8 text. Give another file.", e);
    } catch (IOException e) {
      throw new UserException(
          "%s: cannot be read (%s). Check the path.".formatted(file, e.getMessage()), e);
    }
  }

  /**
   * Reads a JSON document.
   *
   * @throws UserException if it cannot be read
   */
  static JsonElement json(Path file) {
    try {
      return JsonParser.parseString(text(file));
    } catch (JsonParseException e) {
      throw new UserException("%s: not valid JSON. Copy the file again.".formatted(file), e);
    }
  }

  /**
   * Returns tokens by their ids; ids that no token has are empty.
   *
   * @throws UserException if an id is negative, or so large that most have no token
   */
  static List<String> pieces(Path file, Map<String, Integer> ids) {
    int last = Collections.max(ids.values());
    if (Collections.min(ids.values()) < 0 || last / MAX_HOLES > ids.size()) {
      throw new UserException(
          "%s: %d tokens with ids from %d to %d (expected: ids from 0 on, without holes). Copy the file again."
              .formatted(file, ids.size(), Collections.min(ids.values()), last));
    }
    String[] pieces = new String[last + 1];
    Arrays.fill(pieces, "");
    ids.forEach((token, id) -> pieces[id] = token);
    return List.of(pieces);
  }
}
