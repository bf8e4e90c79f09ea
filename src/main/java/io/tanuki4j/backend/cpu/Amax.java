package io.tanuki4j.backend.cpu;

import io.tanuki4j.tensor.Tensor;

/** The largest finite magnitude that any thread has seen, starting from the tensor's own value. */
final class Amax {
  private final Tensor tensor;
  private float most;

  /**
   * @param tensor one element, F32
   */
  Amax(Tensor tensor) {
    this.tensor = tensor;
    most = (float) Elements.get(tensor, 0);
  }

  void raise(Row row) {
    float largest = 0;
    for (int i = 0; i < row.length(); i++) {
      float magnitude = (float) Math.abs(row.get(i));
      if (magnitude > largest && magnitude < Float.POSITIVE_INFINITY) {
        largest = magnitude;
      }
    }
    raise(largest);
  }

  private synchronized void raise(float magnitude) {
    most = Math.max(most, magnitude);
  }

  /** Writes the value to the tensor, after all threads have finished. */
  synchronized void store() {
    Elements.set(tensor, 0, most);
  }
}
