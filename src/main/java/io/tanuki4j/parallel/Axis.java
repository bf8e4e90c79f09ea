package io.tanuki4j.parallel;

/** The directions of the grid of ranks. */
public enum Axis {
  /** Tensor parallel: weights are split inside a layer. */
  TP,
  /** Context parallel: the sequence is split, attention exchanges keys and values. */
  CP,
  /** Data parallel: other samples. */
  DP,
  /** Pipeline parallel: other layers. */
  PP
}
