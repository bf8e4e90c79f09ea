package io.tanuki4j.convert.huggingface;

/** The valid range of a model's number. Anything else is a damaged or mistyped configuration. */
enum NumberRange {
  /** The epsilon added to a mean square. */
  EPSILON(Double.MIN_VALUE, 1, "above 0, at most 1"),
  /** The base of the rotation's frequencies. */
  BASE(1, 1e18, "1 or more, at most 1e18"),
  /** A factor of a sequence's length. */
  FACTOR(1, 1e9, "1 or more, at most 1e9"),
  /** The standard deviation of weights. */
  DEVIATION(Double.MIN_VALUE, 100, "above 0, at most 100"),
  POSITIVE(Double.MIN_VALUE, 1e9, "above 0, at most 1e9");

  private final double least;
  private final double most;
  private final String expected;

  NumberRange(double least, double most, String expected) {
    this.least = least;
    this.most = most;
    this.expected = expected;
  }

  boolean contains(double number) {
    return number >= least && number <= most;
  }

  /** Describes the range for a message. */
  String expected() {
    return "a number " + expected;
  }
}
