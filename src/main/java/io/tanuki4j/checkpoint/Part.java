package io.tanuki4j.checkpoint;

/** What of a checkpoint is kept in files of its own, so that it can be left out. */
public enum Part {
  MODEL("model"),
  OPTIMIZER("optimizer"),
  /** Scales of numbers of eight bits, and the magnitudes that they follow from. */
  FP8("fp8");

  private final String word;

  Part(String word) {
    this.word = word;
  }

  /** In names of files and in messages. */
  public String word() {
    return word;
  }
}
