package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;

import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.SizeTPointer;

/** Allocates blocks on the GPU and tracks how much each owner holds. */
final class CudaMemory {
  private static final double MEBIBYTE = 1 << 20;

  private final CudaStream stream;
  private final List<CudaBlock> blocks = new ArrayList<>();

  CudaMemory(CudaStream stream) {
    this.stream = stream;
  }

  /**
   * @param owner appears in the message about lack of memory
   * @throws UserException if the GPU has not that much
   */
  CudaBlock take(String owner, long bytes) {
    stream.requireRunning("take memory");
    Pointer pointer = new Pointer();
    int status = cudart.cudaMalloc(pointer, bytes);
    if (status == cudart.cudaErrorMemoryAllocation) {
      int unused = cudart.cudaGetLastError(); // clears it: the context is sound
      throw new UserException(outOfMemory(owner, bytes));
    }
    check(status, "cudaMalloc");
    CudaBlock block = new CudaBlock(owner, pointer.address(), bytes);
    blocks.add(block);
    return block;
  }

  /** Frees a block, after waiting for the GPU, which may still work on it. */
  void give(CudaBlock block) {
    stream.synchronize();
    check(cudart.cudaFree(new Address(block.address())), "cudaFree");
    blocks.remove(block);
  }

  long bytesHeld() {
    return blocks.stream().mapToLong(CudaBlock::bytes).sum();
  }

  /** Returns the owners of what is held now; empty if everything has been freed. */
  String holders() {
    Map<String, Long> byOwner =
        blocks.stream()
            .collect(
                Collectors.groupingBy(
                    CudaBlock::owner, TreeMap::new, Collectors.summingLong(CudaBlock::bytes)));
    return byOwner.entrySet().stream()
        .map(entry -> entry.getKey() + " " + mebibytes(entry.getValue()))
        .collect(Collectors.joining(", "));
  }

  /** Returns the bytes that the GPU has free for anyone. */
  long bytesFree() {
    try (SizeTPointer free = new SizeTPointer(1);
        SizeTPointer total = new SizeTPointer(1)) {
      check(cudart.cudaMemGetInfo(free, total), "cudaMemGetInfo");
      return free.get();
    }
  }

  private String outOfMemory(String owner, long bytes) {
    return "scope %s: cannot take %d bytes more (expected: at most the %s that are free; held: %s)."
        .formatted(owner, bytes, mebibytes(bytesFree()), blocks.isEmpty() ? "nothing" : holders())
        .concat(
            " Use a smaller --micro-batch-size, --recompute-granularity full, or bf16 for"
                + " --main-grads-dtype, --exp-avg-dtype and --exp-avg-sq-dtype.");
  }

  private static String mebibytes(long bytes) {
    return String.format(Locale.ROOT, "%.1f MiB", bytes / MEBIBYTE);
  }
}
