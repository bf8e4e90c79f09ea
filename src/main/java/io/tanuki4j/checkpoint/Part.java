package io.tanuki4j.checkpoint;

/** The parts of a checkpoint that have separate files, so that each can be left out. */
public enum Part {
  MODEL("model"),
  OPTIMIZER("optimizer"),
  /** FP8 scales, and the magnitudes that determine them. */
  FP8("fp8");

  private final String word;

  Part(String word) {
    this.word = word;
  }

  /** Returns its name in file names and messages. */
  public String word() {
    return word;
  }
}
