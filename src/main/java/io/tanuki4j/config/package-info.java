/**
 * One run's whole configuration: a tree of records, each owned by the component that uses it.
 *
 * <p>Start reading at {@link io.tanuki4j.config.RunConfig}.
 */
@NullMarked
package io.tanuki4j.config;

import org.jspecify.annotations.NullMarked;
