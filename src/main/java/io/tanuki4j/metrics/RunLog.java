package io.tanuki4j.metrics;

/** Lines of Megatron's log that are not metrics, for example that the run is exiting. */
public interface RunLog {
  /** Logs what is happening. */
  void message(String line);

  /** Logs the size of one part of the model, for example its number of parameters. */
  default void ofPart(String line) {
    message(line);
  }
}
