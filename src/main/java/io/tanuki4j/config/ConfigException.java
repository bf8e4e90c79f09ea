package io.tanuki4j.config;

import io.tanuki4j.error.UserException;

/** A wrong configuration; the message has one line per problem. */
public final class ConfigException extends UserException {
  private static final long serialVersionUID = 1;

  public ConfigException(String message) {
    super(message);
  }
}
