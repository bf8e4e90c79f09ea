package io.tanuki4j.data.preprocess;

import java.util.List;

/**
 * A line's tokens.
 *
 * @param sequences for each key, the token ids of its texts without empty ones
 * @param textBytes bytes of the line
 */
record Document(List<List<int[]>> sequences, int textBytes) {}
