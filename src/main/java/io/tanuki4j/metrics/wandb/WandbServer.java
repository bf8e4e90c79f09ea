package io.tanuki4j.metrics.wandb;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Sends requests to a server of Weights &amp; Biases. No message shows the key. */
final class WandbServer {
  private static final Set<Integer> FINAL = Set.of(400, 401, 403, 404, 409, 410, 413, 422, 501);
  private static final int OK_FROM = 200;
  private static final int OK_TO = 299;
  private static final Gson JSON = new GsonBuilder().serializeNulls().create();

  private final HttpClient client;
  private final String base;
  private final String authorization;
  private final Duration timeout;

  /**
   * Makes a client.
   *
   * @param base without a trailing slash
   */
  WandbServer(String base, String key, Duration timeout) {
    this.base = base;
    this.timeout = timeout;
    authorization =
        "Basic "
            + Base64.getEncoder().encodeToString(("api:" + key).getBytes(StandardCharsets.UTF_8));
    client = HttpClient.newBuilder().connectTimeout(timeout).build();
  }

  /** A request that failed. */
  static final class RequestException extends IOException {
    private static final long serialVersionUID = 1;

    private final boolean isFinal;
    private final transient @Nullable Duration retryAfter;

    RequestException(String message, boolean isFinal, @Nullable Duration retryAfter) {
      super(message);
      this.isFinal = isFinal;
      this.retryAfter = retryAfter;
    }

    /** Returns whether a retry is useless. */
    boolean isFinal() {
      return isFinal;
    }

    Optional<Duration> retryAfter() {
      return Optional.ofNullable(retryAfter);
    }
  }

  /**
   * Posts JSON and returns the object that comes back.
   *
   * @param path begins with a slash
   * @throws RequestException if the server refuses the request
   * @throws IOException if it cannot be reached
   */
  JsonObject post(String path, JsonObject body) throws IOException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(base + path))
            .timeout(timeout)
            .header("Authorization", authorization)
            .header("Content-Type", "application/json")
            .POST(BodyPublishers.ofString(JSON.toJson(body)))
            .build();
    try {
      return checked(client.send(request, BodyHandlers.ofString()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("interrupted");
    }
  }

  private static JsonObject checked(HttpResponse<String> response) throws RequestException {
    int status = response.statusCode();
    if (status < OK_FROM || status > OK_TO) {
      throw new RequestException(
          "the server answered " + status, FINAL.contains(status), retryAfter(response));
    }
    JsonObject object = object(response.body());
    if (object.has("errors") && !object.get("errors").getAsJsonArray().isEmpty()) {
      JsonObject error = object.get("errors").getAsJsonArray().get(0).getAsJsonObject();
      throw new RequestException(String.valueOf(error.get("message")), true, null);
    }
    return object;
  }

  private static JsonObject object(String body) throws RequestException {
    try {
      JsonObject object = JSON.fromJson(body, JsonObject.class);
      return object == null ? new JsonObject() : object;
    } catch (JsonParseException e) {
      throw new RequestException("the server's answer is no JSON", true, null);
    }
  }

  private static @Nullable Duration retryAfter(HttpResponse<String> response) {
    String seconds = response.headers().firstValue("Retry-After").orElse("");
    return seconds.matches("\\d{1,6}") ? Duration.ofSeconds(Long.parseLong(seconds)) : null;
  }
}
