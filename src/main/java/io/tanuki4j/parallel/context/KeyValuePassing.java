package io.tanuki4j.parallel.context;

import io.tanuki4j.kernel.MemoryScope;

/** One way to bring queries together with the keys and values of other ranks. */
interface KeyValuePassing {
  /** Lets the queries attend to the keys of every rank. */
  void forward(RunningAttention attention, MemoryScope scratch);

  /** Does the same for the gradients, and brings those of keys and values to their owners. */
  void backward(RunningGradients gradients, MemoryScope scratch);
}
