/**
 * The command line: one thin command per verb, and what a failure prints.
 *
 * <p>Start reading at {@link io.tanuki4j.cli.Main}, then {@code PretrainCommand}.
 */
@NullMarked
package io.tanuki4j.cli;

import org.jspecify.annotations.NullMarked;
