package io.tanuki4j.config;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class ArgumentDumpTest {
  @Test
  void lines_are_dotted_sorted_and_written_as_python_writes_values() {
    Map<String, @Nullable Object> arguments = new HashMap<>();
    arguments.put("adam_eps", 1e-8);
    arguments.put("lr", 1e-4);
    arguments.put("bf16", true);
    arguments.put("barrier_with_L1_time", false);
    arguments.put("data_path", List.of("0.5", "it's", "a\\b"));
    arguments.put("fp8", null);
    arguments.put("consumed_train_samples", 0);
    assertThat(ArgumentDump.lines(arguments))
        .containsExactly(
            "------------------------ arguments ------------------------",
            "  adam_eps ........................................ 1e-08",
            "  barrier_with_L1_time ............................ False",
            "  bf16 ............................................ True",
            "  consumed_train_samples .......................... 0",
            "  data_path ....................................... ['0.5', \"it's\", 'a\\\\b']",
            "  fp8 ............................................. None",
            "  lr .............................................. 0.0001",
            "-------------------- end of arguments ---------------------");
  }

  @Test
  void a_name_of_48_letters_or_more_has_no_dots() {
    String name = "a".repeat(60);
    assertThat(ArgumentDump.lines(Map.of(name, 2.5)).get(1)).isEqualTo("  " + name + "  2.5");
  }

  @Test
  void values_look_as_in_python() {
    List<@Nullable Object> values = Arrays.asList(1, null, 0.9, 1e16, "x");
    assertThat(PythonText.of(values)).isEqualTo("[1, None, 0.9, 1e+16, 'x']");
    assertThat(PythonText.of(-0.0)).isEqualTo("-0.0");
  }
}
