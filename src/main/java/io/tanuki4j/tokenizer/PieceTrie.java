package io.tanuki4j.tokenizer;

import java.util.Arrays;

/**
 * Finds the pieces with which bytes begin: a double-array trie (Aoe, 1989). A node's child for a
 * byte is at the node's base plus the byte, if that place names the node as its parent. Immutable.
 */
final class PieceTrie {
  static final int ROOT = 0;
  static final int NONE = -1;
  private static final int BYTES = 256;

  /** Places at the end among which a node with several children looks for room. */
  private static final int WINDOW = 1 << 10;

  private int[] bases = new int[2 * BYTES];
  private int[] parents = new int[2 * BYTES];
  private int[] values = new int[2 * BYTES];

  /** From here on, no place is out of reach of a label. */
  private int firstFree = BYTES;

  private int used = 1;

  /**
   * @param keys sorted as unsigned bytes, none empty, each once
   * @param values of the keys, from 0
   */
  PieceTrie(byte[][] keys, int[] values) {
    Arrays.fill(parents, NONE);
    Arrays.fill(this.values, NONE);
    parents[ROOT] = ROOT;
    if (keys.length > 0) {
      insert(ROOT, 0, 0, keys, values, keys.length);
    }
  }

  /** Returns the child of a node, or {@link #NONE}. */
  int child(int node, byte next) {
    int place = bases[node] + (next & (BYTES - 1));
    return parents[place] == node ? place : NONE;
  }

  /** Returns the value of the key that ends at a node, or {@link #NONE}. */
  int value(int node) {
    return values[node];
  }

  /** Inserts the keys {@code [from, to)}, whose first {@code depth} bytes have led to a node. */
  private void insert(int node, int depth, int from, byte[][] keys, int[] keyValues, int to) {
    int first = from;
    if (keys[first].length == depth) {
      values[node] = keyValues[first++];
    }
    int[] starts = new int[BYTES + 1];
    int[] labels = new int[BYTES];
    int count = 0;
    for (int i = first; i < to; i++) {
      int label = keys[i][depth] & (BYTES - 1);
      if (count == 0 || labels[count - 1] != label) {
        labels[count] = label;
        starts[count++] = i;
      }
    }
    starts[count] = to;
    if (count == 0) {
      return;
    }
    int base = freeBase(labels, count);
    bases[node] = base;
    for (int i = 0; i < count; i++) {
      parents[base + labels[i]] = node;
    }
    for (int i = 0; i < count; i++) {
      insert(base + labels[i], depth + 1, starts[i], keys, keyValues, starts[i + 1]);
    }
  }

  /**
   * Returns a base at which all these labels are free. A node with one child takes the first free
   * place of all. Others look among the last places only: gaps are left for those with one.
   */
  private int freeBase(int[] labels, int count) {
    while (firstFree < parents.length && parents[firstFree] != NONE) {
      firstFree++;
    }
    int from = count == 1 ? firstFree : used - WINDOW;
    for (int base = Math.max(1, from - labels[0]); ; base++) {
      reserve(base + BYTES);
      if (isFree(base, labels, count)) {
        used = Math.max(used, base + labels[count - 1] + 1);
        return base;
      }
    }
  }

  private boolean isFree(int base, int[] labels, int count) {
    for (int i = 0; i < count; i++) {
      if (parents[base + labels[i]] != NONE) {
        return false;
      }
    }
    return true;
  }

  private void reserve(int size) {
    int old = parents.length;
    if (old < size) {
      int larger = Math.max(size, old + (old >> 1));
      bases = Arrays.copyOf(bases, larger);
      parents = Arrays.copyOf(parents, larger);
      values = Arrays.copyOf(values, larger);
      Arrays.fill(parents, old, larger, NONE);
      Arrays.fill(values, old, larger, NONE);
    }
  }
}
