package io.tanuki4j.comm.host;

import java.nio.ByteBuffer;

/** A block's values in the type in which they are reduced. */
interface Accumulator {
  /** Sets the first rank's values. */
  void set(ByteBuffer values);

  /** Reduces with the next rank's values, of the same number. */
  void add(ByteBuffer values);

  /** Writes the values, as many as were set, in their own type. */
  void store(ByteBuffer out);
}
