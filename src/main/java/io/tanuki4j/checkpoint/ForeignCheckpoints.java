package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.TrainState.StateKind;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Opens the checkpoints of another program, so that a run can start from them. */
public interface ForeignCheckpoints {
  /** Recognises nothing. */
  ForeignCheckpoints NONE =
      new ForeignCheckpoints() {
        @Override
        public boolean recognises(Path checkpoint) {
          return false;
        }

        @Override
        public Content open(Path checkpoint, StateKind kind) {
          throw new IllegalStateException(checkpoint + " was not recognised");
        }
      };

  /**
   * Returns whether a folder looks like one checkpoint of the program.
   *
   * @param checkpoint for example {@code iter_0000500}
   */
  boolean recognises(Path checkpoint) throws IOException;

  /**
   * Opens one kind of state. The checksums of what {@link Content#checks} names are not compared
   * yet.
   *
   * @throws io.tanuki4j.error.UserException if it is damaged
   */
  Content open(Path checkpoint, StateKind kind) throws IOException;

  /** Some bytes of a file whose checksum is known. */
  interface Check {
    long numBytes();

    /**
     * Reads them, and compares the checksum.
     *
     * @throws io.tanuki4j.error.UserException if it is wrong
     */
    void verify() throws IOException;
  }

  /**
   * An open checkpoint.
   *
   * @param tensors of the kind that was asked for, whole; empty if there are none
   * @param whyNone the reason if there are none
   * @param checks of the tensors' bytes
   */
  record Content(
      TrainState state,
      List<ShardedTensor> tensors,
      String whyNone,
      List<? extends Check> checks,
      Closeable files)
      implements Closeable {
    @Override
    public void close() throws IOException {
      files.close();
    }
  }
}
