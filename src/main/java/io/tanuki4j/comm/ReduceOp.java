package io.tanuki4j.comm;

/** How values of several ranks become one. The maximum of NaN and a number is NaN. */
public enum ReduceOp {
  SUM,
  MAX
}
