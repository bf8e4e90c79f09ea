package io.tanuki4j.comm;

/** How a reduction combines the values of several ranks. The maximum of NaN and a number is NaN. */
public enum ReduceOp {
  SUM,
  MAX
}
