package io.tanuki4j.parallel;

/** How ranks that share a sequence reach each other's keys and values. */
public enum ContextCommunication {
  /**
   * Around a ring, a block at a time, while attention to the block before is computed ({@code
   * --cp-comm-type p2p}; Liu et al., 2023). Two blocks are held at a time.
   */
  P2P,
  /** All at once before attention ({@code --cp-comm-type all_gather}). All blocks are held. */
  ALL_GATHER
}
