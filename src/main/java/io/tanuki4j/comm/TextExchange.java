package io.tanuki4j.comm;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** Exchanges texts between ranks, for what they must agree on outside of iterations. */
public interface TextExchange {
  /** The exchange of a single rank. */
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
   * Returns an exchange between the ranks of a group.
   *
   * @param device the one that the group's tensors are on
   */
  static TextExchange over(ProcessGroup group, Device device) {
    return group.size() == 1 ? ALONE : new GroupTexts(group, device, /* place= */ null);
  }

  /**
   * Returns an exchange for texts that come often: where they fit, nothing is allocated, and no
   * device waits for all of its work to free memory.
   *
   * @param place I32 words for the texts of all ranks and one more; others get memory of their own
   */
  static TextExchange over(ProcessGroup group, Device device, Tensor place) {
    return group.size() == 1 ? ALONE : new GroupTexts(group, device, place);
  }

  int rank();

  int size();

  /** Returns the texts of all ranks, in rank order, on every rank. Every rank calls it. */
  List<String> gather(String own);
}
