package io.tanuki4j.nn;

/**
 * What the operations of micro-batches depend on besides the micro-batch, until an iteration ends.
 */
public interface IterationState {
  /** Nothing. */
  IterationState NONE =
      new IterationState() {
        @Override
        public int phase() {
          return 0;
        }

        @Override
        public void endIteration() {}
      };

  /** Micro-batches of one phase do the same operations, so that they can be recorded together. */
  int phase();

  /** After the last backward of an iteration, on all ranks. */
  void endIteration();
}
