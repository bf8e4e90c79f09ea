/**
 * What backends share whose tensors lie in the host's memory: blocks from malloc, scopes over them,
 * copies from and to buffers; and checks of the arguments of kernels.
 *
 * <p>Start reading at {@link io.tanuki4j.backend.host.HostDevice}.
 */
@NullMarked
package io.tanuki4j.backend.host;

import org.jspecify.annotations.NullMarked;
