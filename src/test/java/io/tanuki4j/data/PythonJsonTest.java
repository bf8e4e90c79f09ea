package io.tanuki4j.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Expected texts are those of Python's json module. */
class PythonJsonTest {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "0.1",
        "1e-05",
        "0.0001",
        "1e+22",
        "1e+16",
        "1000000000000000.0",
        "1.2345678901234568e+17",
        "5e-324",
        "1.7976931348623157e+308",
        "0.6666666666666666",
        "100.0",
        "-0.0",
        "0.0",
        "-2.5",
        "9007199254740992.0",
        "0.8999999999999999",
        "0.002",
        "4.35",
        "5.684341886080802e-14",
        "2e-44",
        "1.1",
        "123456.789",
        "0.07142857142857142",
        "-1.5e-07",
        "-730705592419526.8",
        "2e+23",
        "2.0"
      })
  void numbers_are_written_with_the_fewest_digits(String repr) {
    assertThat(PythonJson.repr(Double.parseDouble(repr))).isEqualTo(repr);
  }

  @Test
  void texts_lists_and_maps_are_escaped_and_indented() {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("日本", "é\"\\\n\t\u007f😀/");
    map.put("e", List.of());
    map.put("m", Map.of());
    map.put("n", Collections.singletonList(null));
    map.put("t", List.of(true, 7, 8L));
    assertThat(PythonJson.dumps(map))
        .isEqualTo(
            """
            {
                "\\u65e5\\u672c": "\\u00e9\\"\\\\\\n\\t\\u007f\\ud83d\\ude00/",
                "e": [],
                "m": {},
                "n": [
                    null
                ],
                "t": [
                    true,
                    7,
                    8
                ]
            }""");
  }

  @Test
  void other_objects_are_refused() {
    assertThatThrownBy(() -> PythonJson.dumps(List.of(1.5f)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("no JSON form for a java.lang.Float");
  }
}
