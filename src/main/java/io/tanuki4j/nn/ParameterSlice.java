package io.tanuki4j.nn;

/**
 * Consecutive elements of one parameter.
 *
 * @param first its first element, counted in the parameter, row by row
 * @param range where its elements are in the flat buffers
 */
public record ParameterSlice(Parameter parameter, long first, FlatRange range) {}
