package io.tanuki4j.nn;

/**
 * What the operations of micro-batches depend on besides the micro-batch, until an iteration ends.
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

  /** Returns a number: micro-batches of one phase do the same operations, and share recordings. */
  int phase();

  /** Ends an iteration, after its last backward and on all ranks. */
  void endIteration();
}
