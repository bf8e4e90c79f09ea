package io.tanuki4j.metrics.web;

import com.sun.net.httpserver.Headers;
import com.sun.net.httpserver.HttpExchange;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who may see the page. At a loopback address that is who names it so: a page of another site that
 * the user's browser shows could reach the port, too, but by its own host name (DNS rebinding) or
 * marked as cross-site. At other addresses it is who shows the token.
 */
final class Access {
  private static final Pattern LOOPBACK =
      Pattern.compile("(localhost|127(\\.\\d{1,3}){3}|\\[::1])(:\\d{1,5})?");

  private static final List<String> SAME_SITE = List.of("same-origin", "none");
  private static final String BEARER = "Bearer ";

  private final boolean isLoopback;
  private final byte @Nullable [] token;
  private final String cookie;

  /**
   * Guards a server.
   *
   * @param isLoopback whether only this machine reaches the address
   * @param token that requests must show; null for none
   * @param port sets the cookie's name, since a browser sends cookies to all ports of a host
   */
  Access(boolean isLoopback, @Nullable String token, int port) {
    if (!isLoopback && token == null) {
      throw new IllegalArgumentException("an address that others reach needs a token");
    }
    this.isLoopback = isLoopback;
    this.token = token == null ? null : digest(token);
    this.cookie = "tanuki4j_%d".formatted(port);
  }

  /** A refused request. */
  record Refusal(int status, String reason) {}

  /** Returns why a request is refused; empty if it is granted. */
  Optional<Refusal> refusal(HttpExchange exchange) {
    String method = exchange.getRequestMethod();
    Headers headers = exchange.getRequestHeaders();
    if (!method.equals("GET") && !method.equals("HEAD")) {
      return Optional.of(new Refusal(405, "method: not GET or HEAD"));
    }
    if (isLoopback && !isLoopbackName(headers.getFirst("Host"))) {
      return Optional.of(new Refusal(403, "Host: not localhost, 127.0.0.1 or [::1]"));
    }
    String site = headers.getFirst("Sec-Fetch-Site");
    boolean isPage = exchange.getRequestURI().getPath().equals("/");
    if (!isPage && site != null && !SAME_SITE.contains(site)) {
      return Optional.of(new Refusal(403, "request of another site"));
    }
    if (token != null && !showsToken(headers)) {
      return Optional.of(
          new Refusal(
              401, "token missing or wrong: open /?token=… or send Authorization: Bearer …"));
    }
    return Optional.empty();
  }

  private static boolean isLoopbackName(@Nullable String host) {
    return host != null && LOOPBACK.matcher(host.toLowerCase(Locale.ROOT)).matches();
  }

  private boolean showsToken(Headers headers) {
    String authorization = headers.getFirst("Authorization");
    if (authorization != null && authorization.startsWith(BEARER)) {
      return isToken(authorization.substring(BEARER.length()));
    }
    for (String line : headers.getOrDefault("Cookie", List.of())) {
      for (String pair : line.split(";", -1)) {
        if (pair.strip().startsWith(cookie + "=")) {
          return isCookie(pair.strip().substring(cookie.length() + 1));
        }
      }
    }
    return false;
  }

  /** Compares in a time that does not depend on the text. */
  boolean isToken(String text) {
    return token != null && MessageDigest.isEqual(digest(text), token);
  }

  private boolean isCookie(String value) {
    return MessageDigest.isEqual(digest(value), digest(cookieValue()));
  }

  /** Returns the header that lets a browser show the token again, without the token itself. */
  String setCookie() {
    return "%s=%s; Path=/; HttpOnly; SameSite=Strict".formatted(cookie, cookieValue());
  }

  private String cookieValue() {
    if (token == null) {
      throw new IllegalStateException("no token");
    }
    return HexFormat.of().formatHex(digest("cookie " + HexFormat.of().formatHex(token)));
  }

  private static byte[] digest(String text) {
    try {
      return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // Every JDK has it.
    }
  }
}
