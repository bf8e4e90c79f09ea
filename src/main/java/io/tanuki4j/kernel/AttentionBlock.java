package io.tanuki4j.kernel;

/**
 * The sizes of attention between the queries of some tokens and the keys and values of others,
 * where every query sees every key.
 *
 * @param queries sizes of the packed projection that holds the queries; its length is the number of
 *     queries
 * @param numKeys tokens whose keys and values are seen
 */
public record AttentionBlock(AttentionShape queries, int numKeys) {
  /** Returns the width of one token's keys and values, {@code 2g·d}. */
  public int keyValueSize() {
    return queries.keyValueSize();
  }
}
