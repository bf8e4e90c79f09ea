package io.tanuki4j.metrics.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.tanuki4j.error.UserException;
import io.tanuki4j.metrics.LogTail;
import io.tanuki4j.metrics.TimerMetrics;
import io.tanuki4j.metrics.sinks.Metrics;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The server is asked over a socket, since Java's client does not let a test choose its host. */
class WebSinkTest {
  private static final String TOKEN = "0123456789abcdef";
  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochSecond(1_700_000_000), ZoneOffset.UTC);

  @TempDir private Path folder;

  private final List<String> lines = new ArrayList<>();
  private final LogTail log = new LogTail(lines::add);
  private @Nullable WebSink sink;

  private record Answer(int status, String headers, String body) {
    JsonObject json() {
      return new Gson().fromJson(body, JsonObject.class);
    }
  }

  private WebSink start(long iteration, @Nullable String token) {
    WebConfig config = new WebConfig(0, "127.0.0.1", folder.resolve("metrics.jsonl"));
    WebSink started = new WebSink(config, token, log, CLOCK);
    sink = started;
    started.start(Metrics.run(iteration));
    return started;
  }

  @AfterEach
  void stop() {
    if (sink != null) {
      sink.close();
    }
  }

  private Answer get(String path, String... headers) throws IOException {
    return request("GET", path, "localhost", headers);
  }

  private Answer request(String method, String path, String host, String... headers)
      throws IOException {
    if (sink == null) {
      throw new IllegalStateException("not started");
    }
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), sink.port())) {
      List<String> request = new ArrayList<>();
      request.add("%s %s HTTP/1.0".formatted(method, path));
      request.add("Host: " + host);
      request.addAll(List.of(headers));
      OutputStream out = socket.getOutputStream();
      out.write((String.join("\r\n", request) + "\r\n\r\n").getBytes(StandardCharsets.UTF_8));
      out.flush();
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
      String[] parts = in.lines().collect(Collectors.joining("\n")).split("\n\n", 2);
      int status = Integer.parseInt(parts[0].split(" ", 3)[1]);
      return new Answer(status, parts[0], parts.length > 1 ? parts[1] : "");
    }
  }

  private static List<Double> column(JsonObject data, String name) {
    return StreamSupport.stream(
            data.getAsJsonObject("columns").getAsJsonArray(name).spliterator(), false)
        .map(value -> value.isJsonNull() ? Double.NaN : value.getAsDouble())
        .toList();
  }

  @Test
  void data_are_the_rows_of_the_run_and_later_only_the_new_ones() throws IOException {
    Metrics.report(start(0, null), 1, 5);
    JsonObject all = get("/data?from=0").json();
    assertThat(column(all, "iteration")).containsExactly(1.0, 2.0, 3.0, 4.0);
    assertThat(column(all, "lm loss")).containsExactly(1.0, 0.5, 0.33333334, 0.25);
    assertThat(column(all, "tokens-per-second"))
        .containsExactly(Double.NaN, 32.0, Double.NaN, 32.0);
    assertThat(column(all, "lm loss validation").get(3)).isEqualTo(0.125);
    assertThat(all.getAsJsonObject("run").get("trainIterations").getAsInt()).isEqualTo(6);
    JsonObject later = get("/data?from=3").json();
    assertThat(later.get("from").getAsInt()).isEqualTo(3);
    assertThat(column(later, "iteration")).containsExactly(4.0);
    assertThat(get("/data?from=99").json().get("from").getAsInt()).isZero();
  }

  @Test
  void a_resumed_run_shows_its_earlier_iterations_once() throws IOException {
    Files.writeString(
        folder.resolve("metrics.jsonl"),
        """
        {"iteration":1,"lm loss":7.5,"interval-time by rank (ms)":[3,4]}
        {"iteration":2,"lm loss":null}
        {"iteration":3,"lm loss":7.25}
        {"iteration":4,"lm lo""");
    Metrics.report(start(2, null), 3, 4);
    JsonObject data = get("/data").json();
    assertThat(column(data, "iteration")).containsExactly(1.0, 2.0, 3.0);
    assertThat(column(data, "lm loss")).containsExactly(7.5, Double.NaN, 0.33333334);
  }

  @Test
  void ranks_and_the_last_lines_of_the_log_are_shown() throws IOException {
    WebSink started = start(0, null);
    TimerMetrics.Timer timer = new TimerMetrics.Timer("exposed-communication", new double[] {1, 2});
    started.timers(new TimerMetrics(TimerMetrics.Style.HIDDEN, List.of(timer)));
    for (int i = 0; i < 300; i++) {
      log.message("line %d <script>".formatted(i));
    }
    JsonObject data = get("/data").json();
    assertThat(data.getAsJsonObject("timers").toString())
        .isEqualTo("{\"exposed-communication\":[1,2]}");
    List<String> shown =
        StreamSupport.stream(data.getAsJsonArray("log").spliterator(), false)
            .map(JsonElement::getAsString)
            .toList();
    assertThat(shown).hasSize(200).startsWith("line 100 <script>").endsWith("line 299 <script>");
    assertThat(get("/data").body()).doesNotContain("<script>");
    log.message("a new line");
    JsonObject later = get("/data?from=0&log=301").json();
    assertThat(later.get("logFrom").getAsInt()).isEqualTo(301);
    assertThat(later.getAsJsonArray("log").toString()).isEqualTo("[\"a new line\"]");
    assertThat(get("/data?log=50").json().get("logFrom").getAsInt()).isEqualTo(102);
    assertThat(get("/data?log=999").json().getAsJsonArray("log")).hasSize(200);
  }

  @Test
  void metrics_are_in_prometheus_text_format() throws IOException {
    Metrics.report(start(0, null), 1, 5);
    Answer answer = get("/metrics");
    assertThat(answer.headers()).contains("text/plain; version=0.0.4");
    assertThat(answer.body())
        .contains("# TYPE tanuki4j_lm_loss gauge\ntanuki4j_lm_loss 0.25\n")
        .contains("# TYPE tanuki4j_consumed_tokens_total counter\n")
        .contains("tanuki4j_train_iterations 6.0");
    assertThat(answer.body().lines())
        .allMatch(line -> line.matches("# (HELP|TYPE) [a-z0-9_]+ .+|[a-z0-9_]+ [-+0-9.EINaf]+"));
  }

  @Test
  void health_says_whether_the_run_trains() throws IOException {
    Metrics.report(start(0, null), 1, 3);
    Answer well = get("/health");
    assertThat(well.status()).isEqualTo(200);
    assertThat(well.json().get("state").getAsString()).isEqualTo("TRAINING");
    assertThat(well.json().get("iteration").getAsInt()).isEqualTo(2);
    if (sink != null) {
      sink.failed();
    }
    assertThat(get("/health").status()).isEqualTo(503);
  }

  @ParameterizedTest
  @ValueSource(strings = {"/", "/page.css", "/series.js", "/chart.js", "/ranks.js", "/page.js"})
  void the_page_loads_nothing_from_elsewhere(String path) throws IOException {
    start(0, null);
    Answer answer = get(path);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.body()).doesNotContain("http://", "https://", "innerHTML", "eval(");
    assertThat(answer.headers())
        .contains("default-src 'none'")
        .contains("nosniff")
        .doesNotContain("Access-Control");
  }

  @ParameterizedTest
  @ValueSource(strings = {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80"})
  void a_host_of_another_name_is_refused(String host) throws IOException {
    start(0, null);
    assertThat(request("GET", "/data", host).status()).isEqualTo(403);
    assertThat(request("GET", "/", host).status()).isEqualTo(403);
  }

  @ParameterizedTest
  @ValueSource(strings = {"localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "LOCALHOST"})
  void this_machine_may_ask_by_any_of_its_names(String host) throws IOException {
    start(0, null);
    assertThat(request("GET", "/health", host).status()).isEqualTo(200);
  }

  @Test
  void other_sites_and_other_methods_are_refused() throws IOException {
    start(0, null);
    assertThat(get("/data", "Sec-Fetch-Site: cross-site").status()).isEqualTo(403);
    assertThat(get("/data", "Sec-Fetch-Site: same-site").status()).isEqualTo(403);
    assertThat(get("/data", "Sec-Fetch-Site: same-origin").status()).isEqualTo(200);
    assertThat(get("/", "Sec-Fetch-Site: cross-site").status()).isEqualTo(200);
    assertThat(request("POST", "/data", "localhost").status()).isEqualTo(405);
    assertThat(request("OPTIONS", "/data", "localhost").status()).isEqualTo(405);
    assertThat(get("/../../etc/passwd").status()).isEqualTo(404);
    assertThat(get("/package-info.class").status()).isEqualTo(404);
  }

  @Test
  void a_token_is_asked_for_on_every_path_and_becomes_a_cookie() throws IOException {
    start(0, TOKEN);
    for (String path : List.of("/", "/data", "/metrics", "/health", "/page.js", "/?token=wrong")) {
      assertThat(get(path).status()).as(path).isEqualTo(401);
    }
    assertThat(get("/metrics", "Authorization: Bearer " + TOKEN).status()).isEqualTo(200);
    assertThat(get("/metrics", "Authorization: Bearer " + TOKEN + "0").status()).isEqualTo(401);
    Answer greeting = get("/?token=" + TOKEN);
    assertThat(greeting.status()).isEqualTo(303);
    String cookie = greeting.headers().replaceAll("(?s).*Set-cookie: ([^;]+);.*", "$1");
    assertThat(cookie).doesNotContain(TOKEN);
    assertThat(greeting.headers()).contains("HttpOnly; SameSite=Strict", "Location: /");
    assertThat(get("/data", "Cookie: a=b; " + cookie).status()).isEqualTo(200);
    assertThat(get("/data", "Cookie: " + cookie + "0").status()).isEqualTo(401);
    assertThat(String.join("\n", lines)).doesNotContain(TOKEN);
  }

  @Test
  void a_port_that_is_taken_is_a_sentence() {
    int taken = start(0, null).port();
    WebSink second = new WebSink(new WebConfig(taken, "127.0.0.1", null), null, log, CLOCK);
    assertThatThrownBy(() -> second.start(Metrics.run(0)))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("port %d of 127.0.0.1 cannot be used".formatted(taken))
        .hasMessageContaining("--web-port");
  }

  @Test
  void a_client_that_sends_nothing_does_not_keep_others_out() throws IOException {
    int port = start(0, null).port();
    try (Socket silent = new Socket(InetAddress.getLoopbackAddress(), port)) {
      silent.getOutputStream().write("GET / HT".getBytes(StandardCharsets.UTF_8));
      assertThat(get("/health").status()).isEqualTo(200);
    }
  }
}
