package io.tanuki4j.metrics.wandb;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.tanuki4j.metrics.sinks.Metrics;
import io.tanuki4j.metrics.wandb.OnlineRun.Pace;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A run that is told to a server, which answers as W&B's does and looks at what it gets. */
class OnlineRunTest {
  private static final String KEY = "0123456789abcdef0123456789abcdef01234567";
  private static final Pace FAST =
      new Pace(Duration.ofMillis(20), Duration.ofMillis(5), Duration.ofSeconds(20));
  private static final Clock CLOCK =
      Clock.fixed(Instant.ofEpochSecond(1_700_000_000), ZoneOffset.UTC);

  @TempDir private Path folder;

  private final List<String> log = new CopyOnWriteArrayList<>();
  private final List<JsonObject> streamed = new CopyOnWriteArrayList<>();
  private final List<JsonObject> upserts = new CopyOnWriteArrayList<>();
  private final List<String> authorizations = new CopyOnWriteArrayList<>();
  private final Queue<Integer> failures = new ArrayDeque<>();
  private String bucket = "null";
  private Map<String, String> variables = Map.of("WANDB_TAGS", "a,b");
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/graphql", exchange -> answer(exchange, this::graphql));
    server.createContext("/files/team/llama/abc/file_stream", e -> answer(e, this::stream));
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private interface Handler {
    String handle(JsonObject body);
  }

  private void answer(HttpExchange exchange, Handler handler) throws IOException {
    String text = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
    authorizations.add(exchange.getRequestHeaders().getFirst("Authorization"));
    Integer failure = failures.poll();
    String answer = "{}";
    if (failure == null) {
      answer = handler.handle(new Gson().fromJson(text, JsonObject.class));
    } else {
      exchange.getResponseHeaders().add("Retry-After", "0");
    }
    byte[] bytes = answer.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(failure == null ? 200 : failure, bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private String graphql(JsonObject body) {
    if (body.get("operationName").getAsString().equals("RunResumeStatus")) {
      return "{\"data\":{\"model\":{\"bucket\":" + bucket + "}}}";
    }
    upserts.add(body.getAsJsonObject("variables"));
    return "{\"data\":{\"upsertBucket\":{\"bucket\":{\"id\":\"s1\",\"name\":\"abc\",\"project\":"
        + "{\"name\":\"llama\",\"entity\":{\"name\":\"team\"}}},\"inserted\":true}}}";
  }

  private String stream(JsonObject body) {
    streamed.add(body);
    return "{}";
  }

  private void run(long start, String base, Pace pace) {
    WandbSink sink = begin(start, base, pace);
    Metrics.report(sink, start + 1, 6);
    sink.close();
  }

  private WandbSink begin(long start, String base, Pace pace) {
    WandbConfig config = new WandbConfig("llama", "try", null, "abc", folder, null);
    WandbSink sink =
        new WandbSink(
            config,
            WandbEnvironment.of(variables, "host"),
            new WandbTarget(base, KEY, pace),
            CLOCK,
            log::add);
    sink.start(Metrics.run(start));
    return sink;
  }

  private String base() {
    return "http://localhost:" + server.getAddress().getPort();
  }

  /** The lines of one of the run's files as the server puts them together. */
  private List<String> lines(String file, int first) {
    String[] lines = new String[100];
    for (JsonObject request : streamed) {
      JsonElement part = request.getAsJsonObject("files").get(file);
      if (part != null) {
        int at = part.getAsJsonObject().get("offset").getAsInt();
        JsonArray content = part.getAsJsonObject().getAsJsonArray("content");
        for (int i = 0; i < content.size(); i++) {
          assertThat(lines[at + i]).as("line %d is told once", at + i).isNull();
          lines[at + i] = content.get(i).getAsString();
        }
      }
    }
    return Stream.of(lines).skip(first).takeWhile(line -> line != null).toList();
  }

  private static List<Integer> steps(List<String> lines) {
    return lines.stream()
        .map(line -> JsonParser.parseString(line).getAsJsonObject().get("_step").getAsInt())
        .toList();
  }

  @Test
  void the_server_hears_of_the_run_its_history_its_output_and_its_end() {
    run(0, base(), FAST);
    assertThat(upserts).hasSize(1);
    JsonObject upsert = upserts.get(0);
    assertThat(upsert.get("name").getAsString()).isEqualTo("abc");
    assertThat(upsert.get("displayName").getAsString()).isEqualTo("try");
    assertThat(upsert.get("entity").isJsonNull()).isTrue();
    assertThat(upsert.get("config").getAsString()).contains("\"lr\":{\"value\":0.5}", "\"_wandb\"");
    assertThat(steps(lines(OnlineRun.HISTORY, 0))).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(lines(OnlineRun.OUTPUT, 0).get(0)).startsWith("2023-11-14T22:13:20.000000  [");
    JsonObject last = streamed.get(streamed.size() - 1);
    assertThat(last.get("complete").getAsBoolean()).isTrue();
    assertThat(last.get("exitcode").getAsInt()).isZero();
    assertThat(last.getAsJsonObject("files").get(OnlineRun.SUMMARY).toString()).contains("lm loss");
    assertThat(log).containsExactly("Weights & Biases: " + base() + "/team/llama/runs/abc");
    assertThat(authorizations).allMatch(value -> value.startsWith("Basic "));
  }

  @Test
  void a_resumed_run_tells_only_what_the_server_has_not_heard() {
    bucket =
        "{\"id\":\"s1\",\"historyLineCount\":4,\"logLineCount\":9,\"eventsLineCount\":0,"
            + "\"historyTail\":\"[\\\"{\\\\\\\"_step\\\\\\\":4}\\\"]\"}";
    run(3, base(), FAST);
    assertThat(steps(lines(OnlineRun.HISTORY, 4))).containsExactly(5, 6);
    assertThat(upserts.get(0).get("id").getAsString()).isEqualTo("s1");
  }

  @Test
  void a_run_that_failed_ends_with_code_1() {
    WandbSink sink = begin(0, base(), FAST);
    Metrics.report(sink, 1, 2);
    sink.failed();
    sink.close();
    assertThat(streamed.get(streamed.size() - 1).get("exitcode").getAsInt()).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"must, null, does not know", "never, '{\"id\":\"s1\"}', knows"})
  void a_run_can_be_asked_to_be_known_or_new(String resume, String known, String found) {
    variables = Map.of("WANDB_RESUME", resume);
    bucket = known;
    run(0, base(), FAST);
    assertThat(upserts).isEmpty();
    assertThat(log.get(0)).contains("WANDB_RESUME is " + resume + ", but the server " + found);
  }

  @ParameterizedTest
  @ValueSource(ints = {429, 500, 503})
  void what_may_pass_is_tried_again(int status) {
    failures.addAll(List.of(status, status, status));
    run(0, base(), FAST);
    assertThat(steps(lines(OnlineRun.HISTORY, 0))).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(log).hasSize(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {401, 403, 404})
  void a_refusal_is_one_line_and_leaves_the_file(int status) throws IOException {
    failures.addAll(List.of(status));
    run(0, base(), FAST);
    assertThat(log).hasSize(1);
    assertThat(log.get(0))
        .startsWith("WARNING: Weights & Biases: the server answered " + status + ". The run is in")
        .contains("send it with: wandb sync " + folder);
    assertFileIsThere();
  }

  @Test
  void a_server_that_is_not_there_does_not_hold_the_run_up() throws IOException {
    Pace brief = new Pace(Duration.ofMillis(20), Duration.ofMillis(5), Duration.ofMillis(100));
    int port = server.getAddress().getPort();
    server.stop(0);
    run(0, "http://localhost:" + port, brief);
    assertThat(log).hasSize(1);
    assertThat(log.get(0))
        .contains("the run ended before it was told all: the server cannot be reached");
    assertFileIsThere();
  }

  @Test
  void a_server_that_does_not_answer_does_not_hold_the_run_up() {
    CountDownLatch end = new CountDownLatch(1);
    server.removeContext("/graphql");
    server.createContext(
        "/graphql",
        exchange -> {
          try {
            end.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });
    run(0, base(), new Pace(Duration.ofMillis(20), Duration.ofMillis(5), Duration.ofMillis(100)));
    end.countDown();
    assertThat(log).hasSize(1);
    assertThat(log.get(0)).contains("it did not answer");
  }

  @Test
  void the_key_is_in_no_file_and_no_line() throws IOException {
    run(0, base(), FAST);
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        assertThat(Files.readString(file, StandardCharsets.ISO_8859_1)).doesNotContain(KEY);
      }
    }
    assertThat(String.join("\n", log) + upserts + streamed).doesNotContain(KEY);
  }

  @Test
  void the_key_is_found_in_the_variable_or_in_netrc() throws IOException {
    Path netrc = folder.resolve("netrc");
    Files.writeString(
        netrc, "machine other login user password no\nmachine localhost\n login user password yes");
    variables = Map.of("NETRC", netrc.toString(), "HOME", folder.toString());
    assertThat(ApiKey.find(variables, base())).isEqualTo("yes");
    assertThat(ApiKey.find(Map.of("WANDB_API_KEY", " k ", "HOME", "/"), base())).isEqualTo("k");
    assertThat(ApiKey.find(Map.of("HOME", folder.toString()), base())).isNull();
  }

  private void assertFileIsThere() throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      assertThat(files.filter(file -> file.endsWith("run-abc.wandb")).toList())
          .hasSize(1)
          .allSatisfy(file -> assertThat(file).isNotEmptyFile());
    }
  }
}
