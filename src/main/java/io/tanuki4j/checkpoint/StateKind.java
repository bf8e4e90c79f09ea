package io.tanuki4j.checkpoint;

/** The kinds of state that have separate files in a checkpoint, so that each can be left out. */
public enum StateKind {
  MODEL("model"),
  OPTIMIZER("optimizer"),
  /** FP8 scales, and the magnitudes that determine them. */
  FP8("fp8");

  private final String word;

  StateKind(String word) {
    this.word = word;
  }

  /** Returns its name in file names and messages. */
  public String word() {
    return word;
  }
}
