package io.tanuki4j.metrics;

/** Lines of Megatron's log that are no metrics, for example that the run is exiting. */
public interface RunLog {
  /** Says what is going on. */
  void message(String line);

  /** Says what one part of the model takes, for example its number of parameters. */
  default void ofPart(String line) {
    message(line);
  }
}
