package io.tanuki4j.megatron;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PickleReaderTest {
  private static @Nullable Object read(byte[] pickle) {
    return PickleReader.read("a.pt", pickle, key -> key);
  }

  private static @Nullable Object read(String hex) {
    return read(HexFormat.of().parseHex(hex.replace(" ", "")));
  }

  private static byte[] text(String pickle) {
    return pickle.getBytes(ISO_8859_1);
  }

  /** Made by Python's pickle.dumps(VALUE, PROTOCOL).hex(). */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "80024e2e | null",
        "8002882e | true",
        "80024b072e | 7",
        "80024d39302e | 12345",
        "80024affffffff2e | -1",
        "80028a05000000800 02e | 2147483648",
        "80028a09000000000000008000 2e | 9223372036854775808",
        "80024740 09 21 fb 54 44 2d 18 2e | 3.141592653589793",
        "80025803000000c3a9612e | éa",
        "80025d71002e | []",
        "8002 28 4b01 4b02 6c 2e | [1, 2]",
        "8002 4b01 4b02 86 71 00 2e | [1, 2]",
        "8002 7d 71 00 28 58 01000000 61 4b01 58 01000000 62 5d 71 01 4b02 61 75 2e | {a=1, b=[2]}",
        "8004 5d 94 28 4b01 68 00 30 4b02 65 2e | [1, 2]",
        "8004 8f 94 28 4b01 90 2e | [1]",
      })
  void reads_values_of_every_protocol(String hex, String expected) {
    assertThat(String.valueOf(read(hex))).isEqualTo(expected);
  }

  @Test
  void an_object_is_what_it_would_be_made_of() {
    byte[] pickle =
        text("\u0080\u0002cargparse\nNamespace\n)\u0081}X\u0002\0\0\0lrG?\u00f0\0\0\0\0\0\0sb.");
    assertThat(read(pickle))
        .isInstanceOfSatisfying(
            PickledObject.class,
            object -> {
              assertThat(object.type()).isEqualTo("argparse.Namespace");
              assertThat(object.attributes()).isEqualTo(Map.of("lr", 1.0));
            });
  }

  /** An operation that runs something in Python, and what it would run. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "cos\nsystem\n(X\u0002\0\0\0idtR.", // GLOBAL, REDUCE
        "cposix\nsystem\n(X\u0002\0\0\0idtR.",
        "c__builtin__\neval\n(X\u0001\0\0\0" + "1tR.",
        "cbuiltins\nexec\n(X\u0001\0\0\0" + "1tR.",
        "cbuiltins\ngetattr\n.",
        "csubprocess\nPopen\n)\u0081.", // NEWOBJ
        "csubprocess\nPopen\n)}\u0092.", // NEWOBJ_EX
        "cos\npath\n}b.", // BUILD
        "cos\nsystem\nQ.", // BINPERSID
        "\u0080\u0004\u008c\u0002os\u0094\u008c\u0006system\u0094h\u0000h\u0001\u0093)R.", // remembered names
        "\u0080\u0004\u008c\u0002os\u008c\u0006system\u0093.", // STACK_GLOBAL
        "ctorch\nload\n.",
        "ctorch.hub\nload\n.",
        "ctorch.storage\n_load_from_bytes\n.",
        "cmegatronx\nthing\n.",
        "c\nsystem\n.",
      })
  void a_name_that_is_no_data_is_refused_and_nothing_runs(String pickle) {
    assertThatThrownBy(() -> read(text(pickle)))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("a.pt: it names ")
        .hasMessageContaining("which is no data of a checkpoint")
        .hasMessageContaining("Nothing of it was run");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "(ios\nsystem\n.", // INST
        "(cargparse\nNamespace\no.", // OBJ
        "\u0082\u0001.", // EXT1
        "\u0083\u0001\0.", // EXT2
        "\u0084\u0001\0\0\0.", // EXT4
        "Pkey\n.", // PERSID
        "\u0097.", // NEXT_BUFFER
        "\u0098.", // READONLY_BUFFER
        "I1\n.",
        "S'a'\n.",
      })
  void an_operation_that_checkpoints_do_without_is_refused(String pickle) {
    assertThatThrownBy(() -> read(text(pickle)))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("a.pt: it is no whole pickle of a checkpoint: operation 0x");
  }

  /**
   * Bytes of the operations that are read; every other one is refused, whatever it means to Python.
   */
  private static final String READ =
      ".NJKMGUTXCB(012)t]lae}dsuqrhjcRbQ\u0080\u0081\u0085\u0086\u0087\u0088\u0089\u008a\u008b\u008c"
          + "\u008d\u008e\u008f\u0090\u0091\u0092\u0093\u0094\u0095\u0096";

  static boolean isRead(int operation) {
    return READ.indexOf(operation) >= 0;
  }

  @Test
  void all_other_operations_are_refused() {
    for (char operation = 0; operation < 256; operation++) {
      if (!isRead(operation)) {
        String pickle = operation + "os\nsystem\n.";
        assertThatThrownBy(() -> read(text(pickle)))
            .as("operation %x", (int) operation)
            .isInstanceOf(UserException.class)
            .hasMessageContaining(
                "operation 0x%02x before byte 1".formatted((int) pickle.charAt(0)));
      }
    }
  }

  /** What is known is still only a name: calling it gives data, and what is no class is refused. */
  @Test
  void known_names_are_not_called() {
    assertThat(read(text("cnumpy.core.multiarray\n_reconstruct\n(K\u0001tR.")))
        .isInstanceOfSatisfying(
            PickledObject.class, object -> assertThat(object.arguments()).isEqualTo(List.of(1L)));
    for (String pickle : List.of("K\u0001)R.", "]K\u0001b.", "K\u0001K\u0002a.", "K\u0001NNs.")) {
      assertThatThrownBy(() -> read(text(pickle)))
          .isInstanceOf(UserException.class)
          .hasMessageStartingWith("a.pt: it is no whole pickle of a checkpoint: ");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "X\u00ff\u00ff\u00ff\u007fabc.", // a text of 2 GB
        "\u008d\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007fabc.",
        "B\u00ff\u00ff\u00ff\u00ffabc.", // of negative length
        "\u008b\u00ff\u00ff\u00ff\u007f1.", // a number of 2 GB
        "\u0080\u0063.", // protocol 99
        "h\u0005.", // never remembered
        "t.", // no mark
        "}]]aNs.", // a list of lists as a key
        ".",
        "",
        "R.",
      })
  void what_cannot_be_right_is_a_sentence(String pickle) {
    assertThatThrownBy(() -> read(text(pickle))).isInstanceOf(UserException.class);
  }

  @Test
  void depth_and_cycles_take_no_stack() {
    byte[] deep = new byte[1_000_001];
    Arrays.fill(deep, (byte) ']');
    for (int i = 500_001; i < deep.length; i++) {
      deep[i] = 'a';
    }
    deep[deep.length - 1] = '.';
    assertThat(read(deep)).isInstanceOf(List.class);
    assertThat(read(text("]q\0h\0a."))).isInstanceOf(List.class);
  }
}
