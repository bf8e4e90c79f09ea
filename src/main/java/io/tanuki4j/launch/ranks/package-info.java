/**
 * Ranks as processes of this machine: started with torchrun's environment, watched, ended together
 * and started again.
 *
 * <p>May import: the JDK. Start reading at {@link io.tanuki4j.launch.ranks.Launch}.
 */
@NullMarked
package io.tanuki4j.launch.ranks;

import org.jspecify.annotations.NullMarked;
