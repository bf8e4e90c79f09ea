package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterListener;
import java.util.List;

/**
 * A listener of work that may be recorded. It waits for values within the recording. What it starts
 * once gradients are done lies outside, since the rest of the recording does not wait for it.
 */
record RepeatedListener(Device device, ParameterListener listener) implements ParameterListener {
  static ParameterListener of(Device device, ParameterListener listener) {
    return listener == NONE ? NONE : new RepeatedListener(device, listener);
  }

  @Override
  public void valuesNeeded(List<Parameter> parameters) {
    listener.valuesNeeded(parameters);
  }

  @Override
  public void gradientsDone(List<Parameter> parameters) {
    device.issueApart(() -> listener.gradientsDone(parameters));
  }
}
