/** The failures whose messages users read. May import nothing of this project. */
@org.jspecify.annotations.NullMarked
package io.tanuki4j.error;
