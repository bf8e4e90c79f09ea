package io.tanuki4j.megatron;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each operation that Python's pickletools knows, in a pickle that reaches {@code os.system} in
 * Python. {@code tools/reference/pickle_opcodes.py} wrote them, and ran them with a stand-in.
 */
class PickleOpcodesTest {
  private static final Path FILE =
      Path.of("src/test/resources/io/tanuki4j/megatron/pickle-opcodes.txt");

  /** Python 3.8 and later, protocols 0 to 5. */
  private static final int NUM_OPERATIONS = 68;

  private record Hostile(String name, int code, byte[] pickle) {
    static Hostile parse(String line) {
      String[] words = line.split(" ");
      return new Hostile(
          words[0], Integer.parseInt(words[1], 16), HexFormat.of().parseHex(words[2]));
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private static List<Hostile> all() throws IOException {
    return Files.readAllLines(FILE).stream().map(Hostile::parse).toList();
  }

  @Test
  void every_operation_of_python_has_a_hostile_pickle() throws IOException {
    assertThat(all().stream().map(Hostile::code).collect(Collectors.toSet()))
        .hasSize(NUM_OPERATIONS);
    assertThat(all()).hasSize(NUM_OPERATIONS);
  }

  @ParameterizedTest
  @MethodSource("all")
  void its_call_is_refused_by_name_or_at_an_operation_that_is_not_read(Hostile hostile) {
    String unread = "operation 0x%02x before byte".formatted(hostile.code());
    assertThatThrownBy(() -> PickleReader.read("a.pt", hostile.pickle(), key -> key))
        .isInstanceOf(UserException.class)
        .message()
        .matches(
            message ->
                message.contains("it names os.system, which is no data of a checkpoint")
                    || (!PickleReaderTest.isRead(hostile.code()) && message.contains(unread)));
  }

  @ParameterizedTest
  @MethodSource("all")
  void its_beginnings_are_refused(Hostile hostile) {
    for (int length = 0; length < hostile.pickle().length; length++) {
      byte[] beginning = Arrays.copyOf(hostile.pickle(), length);
      assertThatThrownBy(() -> PickleReader.read("a.pt", beginning, key -> key))
          .as("%d bytes", length)
          .isInstanceOf(UserException.class);
    }
  }
}
