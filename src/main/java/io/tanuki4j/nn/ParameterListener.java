package io.tanuki4j.nn;

import java.util.List;

/**
 * Hears from layers when they use their parameters, so that these can be exchanged with other ranks
 * beside the computation. A layer inside another may name the same parameters again.
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

  /** Before a forward of the micro-batch reads the values. */
  void valuesNeeded(List<Parameter> parameters);

  /** After the last operation of the micro-batch that adds to the gradients. */
  void gradientsDone(List<Parameter> parameters);
}
