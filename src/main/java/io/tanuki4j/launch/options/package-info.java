/**
 * Megatron's flags: parsing, derived values, validation; one options class per configuration
 * record.
 *
 * <p>May import: config and the records it is made of. Start reading at PretrainOptions.
 */
@NullMarked
package io.tanuki4j.launch.options;

import org.jspecify.annotations.NullMarked;
