/**
 * What a backend must provide: devices, scopes of device memory, and kernels. Every operation takes
 * its outputs from the caller and runs in the order of the calls. Nothing here reads a value back
 * to the host except {@link io.tanuki4j.kernel.Device#download}.
 *
 * <p>Start reading at {@link io.tanuki4j.kernel.Kernels}.
 */
@NullMarked
package io.tanuki4j.kernel;

import org.jspecify.annotations.NullMarked;
