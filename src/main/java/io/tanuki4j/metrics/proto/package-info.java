/** Writes the few messages in Protocol Buffers' wire format that run reports are made of. */
@NullMarked
package io.tanuki4j.metrics.proto;

import org.jspecify.annotations.NullMarked;
