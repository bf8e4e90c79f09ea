package io.tanuki4j.kernel;

/** What an operation does with the old contents of its output. */
public enum Accumulate {
  OVERWRITE,
  ADD
}
