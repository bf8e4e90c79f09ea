package io.tanuki4j.config;

/** A configuration that the user can mend; the message has one line per problem. */
public final class ConfigException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public ConfigException(String message) {
    super(message);
  }
}
