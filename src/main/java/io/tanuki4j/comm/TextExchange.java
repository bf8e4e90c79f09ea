package io.tanuki4j.comm;

import io.tanuki4j.kernel.Device;
import java.util.List;

/** Passes texts between ranks: what they have to agree on outside of iterations. */
public interface TextExchange {
  /** A rank that has nobody to ask. */
  TextExchange ALONE =
      new TextExchange() {
        @Override
        public int rank() {
          return 0;
        }

        @Override
        public int size() {
          return 1;
        }

        @Override
        public List<String> gather(String own) {
          return List.of(own);
        }
      };

  /**
   * Between the ranks of a group.
   *
   * @param device the one that the group's tensors are on
   */
  static TextExchange over(ProcessGroup group, Device device) {
    return group.size() == 1 ? ALONE : new GroupTexts(group, device);
  }

  int rank();

  int size();

  /** The texts of all ranks, in their order, on every rank. Every rank calls it. */
  List<String> gather(String own);
}
