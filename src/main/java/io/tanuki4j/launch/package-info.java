/**
 * The command line, and the one place that chooses implementations and wires objects.
 *
 * <p>May import: everything. Start reading at PretrainCommand, then Assembly.
 */
@NullMarked
package io.tanuki4j.launch;

import org.jspecify.annotations.NullMarked;
