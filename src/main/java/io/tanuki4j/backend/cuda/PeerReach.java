package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import java.util.OptionalInt;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;

/**
 * Decides whether a GPU can write into the memory of another process's GPU. GPUs are named by where
 * they are on the PCI bus: with {@code CUDA_VISIBLE_DEVICES}, each process counts its own from 0.
 *
 * @param gpus what this process sees
 */
record PeerReach(Gpus gpus) {
  /** The form {@code 00000000:00:00.0}, and a zero. */
  private static final int BUS_ID_BYTES = 32;

  /** The GPUs that this process sees. */
  interface Gpus {
    /**
     * Returns the number of the GPU at a place on the bus; empty if this process does not see it.
     */
    OptionalInt ordinalAt(String busId);

    /** Returns whether one of them reaches the memory of another. */
    boolean canAccess(int ordinal, int other);
  }

  /** Returns reach as CUDA sees it. */
  static PeerReach ofCuda() {
    return new PeerReach(new CudaGpus());
  }

  /** Returns where a GPU is on the bus. */
  static String busId(int ordinal) {
    try (BytePointer text = new BytePointer(BUS_ID_BYTES)) {
      check(cudart.cudaDeviceGetPCIBusId(text, BUS_ID_BYTES, ordinal), "cudaDeviceGetPCIBusId");
      return CString.read(text);
    }
  }

  /**
   * Returns whether one GPU may reach the other. Processes on the same GPU take turns, and one that
   * waits keeps the sender from sending: so they do not. For a GPU that this process does not see,
   * only opening its memory tells.
   */
  boolean mayReach(int ordinal, String busId, String otherBusId) {
    if (otherBusId.equals(busId)) {
      return false;
    }
    OptionalInt other = gpus.ordinalAt(otherBusId);
    return other.isEmpty() || gpus.canAccess(ordinal, other.getAsInt());
  }

  private static final class CudaGpus implements Gpus {
    @Override
    public OptionalInt ordinalAt(String busId) {
      try (IntPointer ordinal = new IntPointer(1)) {
        if (cudart.cudaDeviceGetByPCIBusId(ordinal, busId) == cudart.cudaSuccess) {
          return OptionalInt.of(ordinal.get());
        }
        int unused = cudart.cudaGetLastError(); // clears it: the context is sound
        return OptionalInt.empty();
      }
    }

    @Override
    public boolean canAccess(int ordinal, int other) {
      try (IntPointer can = new IntPointer(1)) {
        check(cudart.cudaDeviceCanAccessPeer(can, ordinal, other), "cudaDeviceCanAccessPeer");
        return can.get() == 1;
      }
    }
  }
}
