package io.tanuki4j.metrics.web;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.OutputStreamWriter;
import java.io.Writer;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Serves the page ({@code /}), its data ({@code /data?from=ROW&log=LINE}), {@code /metrics} for
 * Prometheus and {@code /health}. Two threads answer, and a request must be sent within seconds.
 */
final class PageServer implements AutoCloseable {
  private static final int THREADS = 2;
  private static final Pattern FROM = Pattern.compile("from=(\\d{1,9})");
  private static final Pattern LOG = Pattern.compile("log=(\\d{1,18})");
  private static final Pattern TOKEN = Pattern.compile("token=([^&]*)");
  private static final String JSON = "application/json; charset=utf-8";

  static {
    limit("sun.net.httpserver.maxReqTime", 10);
    limit("sun.net.httpserver.maxRspTime", 60);
  }

  private final HttpServer server;
  private final ExecutorService threads;
  private final Access access;
  private final Source source;

  /** What the server tells. */
  interface Source {
    /** Writes the rows and the lines of the log from one on, as JSON. */
    void data(int firstRow, long firstLine, Writer out) throws IOException;

    /** Returns metrics in Prometheus' format. */
    String metrics();

    /** Returns whether the run is going on, and since when nothing has come, as JSON. */
    Health health();
  }

  /** The state of the run. */
  record Health(boolean isWell, String json) {}

  /**
   * Starts to serve.
   *
   * @param token that requests must show; null for none
   * @throws IOException if the port is taken, or the address is not this machine's
   */
  PageServer(WebConfig config, @Nullable String token, Source source) throws IOException {
    this.source = source;
    InetAddress address = InetAddress.getByName(config.host());
    server = HttpServer.create(new InetSocketAddress(address, config.port()), 0);
    access = new Access(address.isLoopbackAddress(), token, port());
    threads =
        Executors.newFixedThreadPool(
            THREADS,
            work -> {
              Thread thread = new Thread(work, "page");
              thread.setDaemon(true);
              return thread;
            });
    server.setExecutor(threads);
    server.createContext("/", this::handle);
    server.start();
  }

  private static void limit(String property, int seconds) {
    if (System.getProperty(property) == null) {
      System.setProperty(property, Integer.toString(seconds));
    }
  }

  int port() {
    return server.getAddress().getPort();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      protect(exchange.getResponseHeaders());
      if (isGreeting(exchange)) {
        return;
      }
      Optional<Access.Refusal> refusal = access.refusal(exchange);
      if (refusal.isPresent()) {
        answer(exchange, refusal.get().status(), "text/plain", refusal.get().reason() + "\n");
      } else {
        route(exchange);
      }
    }
  }

  /** Forbids browsers to do anything with an answer but show this page. */
  private static void protect(Headers headers) {
    headers.set(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:;"
            + " base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    headers.set("X-Content-Type-Options", "nosniff");
    headers.set("X-Frame-Options", "DENY");
    headers.set("Referrer-Policy", "no-referrer");
    headers.set("Cross-Origin-Resource-Policy", "same-origin");
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("Cache-Control", "no-store");
  }

  /** Exchanges a token in the address for a cookie, so that it does not stay in the address. */
  private boolean isGreeting(HttpExchange exchange) throws IOException {
    String query = exchange.getRequestURI().getRawQuery();
    Matcher token = TOKEN.matcher(query == null ? "" : query);
    if (!exchange.getRequestURI().getPath().equals("/") || !token.find()) {
      return false;
    }
    if (!access.isToken(URLDecoder.decode(token.group(1), StandardCharsets.UTF_8))) {
      return false;
    }
    exchange.getResponseHeaders().set("Set-Cookie", access.setCookie());
    exchange.getResponseHeaders().set("Location", "/");
    exchange.sendResponseHeaders(303, -1);
    return true;
  }

  private void route(HttpExchange exchange) throws IOException {
    URI uri = exchange.getRequestURI();
    String name = uri.getPath().equals("/") ? PageFiles.PAGE : uri.getPath().substring(1);
    switch (name) {
      case "data" -> data(exchange, uri.getRawQuery());
      case "metrics" -> answer(exchange, 200, PrometheusText.TYPE, source.metrics());
      case "health" -> {
        Health health = source.health();
        answer(exchange, health.isWell() ? 200 : 503, JSON, health.json());
      }
      default -> {
        if (PageFiles.has(name)) {
          answer(exchange, 200, PageFiles.type(name), PageFiles.read(name));
        } else {
          answer(exchange, 404, "text/plain", "not found\n");
        }
      }
    }
  }

  private void data(HttpExchange exchange, @Nullable String query) throws IOException {
    long row = number(FROM, query);
    long line = number(LOG, query);
    exchange.getResponseHeaders().set("Content-Type", JSON);
    exchange.sendResponseHeaders(200, isHead(exchange) ? -1 : 0);
    if (isHead(exchange)) {
      return;
    }
    try (Writer out =
        new BufferedWriter(
            new OutputStreamWriter(exchange.getResponseBody(), StandardCharsets.UTF_8), 1 << 16)) {
      source.data((int) row, line, out);
    }
  }

  /** Returns the number of a query; 0 if it has none. */
  private static long number(Pattern name, @Nullable String query) {
    Matcher matcher = name.matcher(query == null ? "" : query);
    return matcher.find() ? Long.parseLong(matcher.group(1)) : 0;
  }

  private static void answer(HttpExchange exchange, int status, String type, String text)
      throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", type);
    exchange.sendResponseHeaders(status, isHead(exchange) ? -1 : bytes.length);
    if (!isHead(exchange)) {
      exchange.getResponseBody().write(bytes);
    }
  }

  private static boolean isHead(HttpExchange exchange) {
    return exchange.getRequestMethod().equals("HEAD");
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdown();
  }
}
