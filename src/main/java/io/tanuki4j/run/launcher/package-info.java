/**
 * Ranks as processes of this machine: started with torchrun's environment, watched, ended together
 * and started again.
 *
 * <p>Start reading at {@link io.tanuki4j.run.launcher.Launch}.
 */
@NullMarked
package io.tanuki4j.run.launcher;

import org.jspecify.annotations.NullMarked;
