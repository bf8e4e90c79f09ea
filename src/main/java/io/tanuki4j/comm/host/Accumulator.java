package io.tanuki4j.comm.host;

import java.nio.ByteBuffer;

/** Values of a block in the type in which they are reduced. */
interface Accumulator {
  /** Takes the first rank's values. */
  void set(ByteBuffer values);

  /** Reduces with the values of the next rank, as many. */
  void add(ByteBuffer values);

  /** Writes as many values as were set, in their own type. */
  void store(ByteBuffer out);
}
