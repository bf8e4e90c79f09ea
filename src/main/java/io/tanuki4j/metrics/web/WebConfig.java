package io.tanuki4j.metrics.web;

import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Settings of the page.
 *
 * @param port to listen at; 0 for any free one
 * @param host address to listen at; one that is not of this machine alone needs a token
 * @param metrics a metrics.jsonl with the earlier part of a resumed run; null for none
 */
public record WebConfig(int port, String host, @Nullable Path metrics) {
  /** The variable with the token that requests must show. */
  public static final String TOKEN_VARIABLE = "TANUKI4J_WEB_TOKEN";

  /** The least characters of a token. */
  public static final int MIN_TOKEN_LENGTH = 16;
}
