package io.tanuki4j.nn;

/**
 * State that the operations of micro-batches depend on until an iteration ends, apart from the
 * micro-batch itself.
 */
public interface IterationState {
  /** Holds nothing. */
  IterationState NONE =
      new IterationState() {
        @Override
        public int phase() {
          return 0;
        }

        @Override
        public void endIteration() {}
      };

  /**
   * Returns the phase. Micro-batches of one phase run the same operations, and share recordings.
   */
  int phase();

  /** Ends an iteration, after its last backward and on all ranks. */
  void endIteration();
}
