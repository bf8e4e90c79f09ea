/**
 * The page that shows a run in a browser, live or as a file.
 *
 * <p>Start reading at {@link io.tanuki4j.metrics.web.WebSink}.
 */
@NullMarked
package io.tanuki4j.metrics.web;

import org.jspecify.annotations.NullMarked;
