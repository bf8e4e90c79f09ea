package io.tanuki4j.nn;

import java.util.List;

/**
 * Learns when layers use their parameters, so that these can be exchanged with other ranks during
 * the computation. A layer inside another may name the same parameters again.
 */
public interface ParameterListener {
  /** Does nothing. */
  ParameterListener NONE =
      new ParameterListener() {
        @Override
        public void valuesNeeded(List<Parameter> parameters) {}

        @Override
        public void gradientsDone(List<Parameter> parameters) {}
      };

  /** Is called before a forward of the micro-batch reads the values. */
  void valuesNeeded(List<Parameter> parameters);

  /** Is called after the last operation of the micro-batch that adds to the gradients. */
  void gradientsDone(List<Parameter> parameters);
}
