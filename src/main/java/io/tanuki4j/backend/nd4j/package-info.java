/**
 * The backend of ND4J: every operation as its formula, written with ND4J's arrays of doubles. It is
 * the executable specification that other backends are compared with, not a fast path.
 *
 * <p>It is written against nd4j-api alone, so the artifact on the class path (nd4j-native,
 * nd4j-cuda) decides where it computes. Tensors lie in the host's memory. An operation reads its
 * inputs as doubles, computes, and rounds each output once to its type.
 *
 * <p>Start reading at {@link io.tanuki4j.backend.nd4j.Nd4jBackend}.
 */
@NullMarked
package io.tanuki4j.backend.nd4j;

import org.jspecify.annotations.NullMarked;
