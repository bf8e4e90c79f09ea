package io.tanuki4j.comm.inprocess;

import java.util.List;

/**
 * The ranks that a rank waits for.
 *
 * @param what {@code all-reduce #118 on group "tp"}
 * @param arrived global ranks that did their part
 * @param ranks global ranks that did not
 */
record MissingRanks(String what, List<Integer> arrived, List<Integer> ranks) {}
