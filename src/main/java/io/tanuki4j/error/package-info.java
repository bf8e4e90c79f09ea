/** The failures whose messages users read. */
@org.jspecify.annotations.NullMarked
package io.tanuki4j.error;
