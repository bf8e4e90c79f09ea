/**
 * Megatron's flags: parsing, derived values, validation; one options class per configuration
 * record.
 *
 * <p>Start reading at {@link io.tanuki4j.flags.PretrainOptions}.
 */
@NullMarked
package io.tanuki4j.flags;

import org.jspecify.annotations.NullMarked;
