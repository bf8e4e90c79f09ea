package io.tanuki4j.data;

/** What a part of the data is for. */
enum Split {
  TRAIN("train"),
  VALID("valid"),
  TEST("test");

  private final String label;

  Split(String label) {
    this.label = label;
  }

  /** Returns Megatron's name, in files and in messages. */
  String label() {
    return label;
  }
}
