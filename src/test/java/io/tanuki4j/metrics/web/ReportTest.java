package io.tanuki4j.metrics.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportTest {
  private static final String BEGIN = "<script type=\"application/json\" id=\"data\">";

  @TempDir private Path folder;

  private Path file;

  @BeforeEach
  void makeRun() throws IOException {
    file = folder.resolve("report.html");
    Files.writeString(
        folder.resolve("metrics.jsonl"),
        """
        {"iteration":1,"lm loss":2.5,"interval-time by rank (ms)":[3,4]}
        {"iteration":2,"lm loss":null}
        """);
  }

  private JsonObject data(String html) {
    String after = html.substring(html.indexOf(BEGIN) + BEGIN.length());
    return new Gson().fromJson(after.substring(0, after.indexOf("</script>")), JsonObject.class);
  }

  @Test
  void a_report_holds_page_and_data_and_needs_nothing_else() throws IOException {
    Files.writeString(folder.resolve("run.json"), "{\"name\":\"</script>\",\"grid\":{\"tp\":2}}");
    int iterations = Report.write(folder, List.of(folder), List.of("a line", "<b>bold</b>"), file);
    String html = Files.readString(file);
    assertThat(iterations).isEqualTo(2);
    assertThat(html)
        .contains("class Chart", "--front", "Content-Security-Policy")
        .doesNotContain("src=\"", "href=\"page.css\"", "http://", "https://", "<b>bold");
    JsonObject data = data(html);
    assertThat(data.getAsJsonObject("run").get("name").getAsString()).isEqualTo("</script>");
    assertThat(data.getAsJsonObject("columns").toString())
        .isEqualTo("{\"iteration\":[1,2],\"lm loss\":[2.5,null]}");
    assertThat(data.getAsJsonObject("timers").toString()).isEqualTo("{\"interval-time\":[3,4]}");
    assertThat(data.getAsJsonArray("log")).hasSize(2);
    assertThat(data.getAsJsonObject("others").keySet())
        .containsExactly(folder.getFileName().toString());
  }

  @Test
  void a_truncated_description_is_left_out() throws IOException {
    Files.writeString(folder.resolve("run.json"), "{\"name\":\"x");
    Report.write(folder, List.of(), List.of(), file);
    assertThat(data(Files.readString(file)).getAsJsonObject("run").get("name").getAsString())
        .isEqualTo(folder.getFileName().toString());
  }

  @Test
  void a_folder_without_metrics_is_a_sentence() {
    Path other = folder.resolve("other");
    assertThatThrownBy(() -> Report.write(other, List.of(), List.of(), file))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("other: no metrics.jsonl there (expected: the folder of --save");
  }
}
