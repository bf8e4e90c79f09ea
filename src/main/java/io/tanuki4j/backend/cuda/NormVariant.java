package io.tanuki4j.backend.cuda;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import java.util.List;

/**
 * RMSNorm for rows of some length.
 *
 * @param type of the elements
 * @param gradType of the weight's gradient
 * @param vector elements per access
 * @param packs accesses per thread and row
 * @param threads per row, a multiple of 32
 * @param rows per block
 */
record NormVariant(DType type, DType gradType, int vector, int packs, int threads, int rows)
    implements KernelVariant {
  private static final int WARP = 32;
  private static final int MAX_THREADS = 512;
  private static final int MAX_PACKS = 16;
  private static final int BLOCK_THREADS = 256;

  /**
   * Spreads a row evenly over as few accesses per thread as 512 threads allow.
   *
   * @throws UserException if a row does not fit into the registers of a block
   */
  static NormVariant of(DType type, DType gradType, int vector, int columns) {
    int vectors = (columns + vector - 1) / vector;
    int packs = Math.max(1, (vectors + MAX_THREADS - 1) / MAX_THREADS);
    if (packs > MAX_PACKS) {
      throw new UserException(
          "rmsNorm over %d columns (expected: at most %d, and a multiple of 8 from %d on). Choose another --hidden-size."
              .formatted(columns, 8 * MAX_THREADS * MAX_PACKS, MAX_THREADS * MAX_PACKS));
    }
    int perPack = (vectors + packs - 1) / packs;
    int threads = Math.max(1, (perPack + WARP - 1) / WARP) * WARP;
    return new NormVariant(
        type, gradType, vector, packs, threads, Math.max(1, BLOCK_THREADS / threads));
  }

  @Override
  public String family() {
    return "rmsnorm";
  }

  @Override
  public List<String> options() {
    return List.of(
        "ELEMENT=" + KernelVariant.typeName(type),
        "GRAD=" + KernelVariant.typeName(gradType),
        "VEC=" + vector,
        "VPT=" + packs,
        "THREADS=" + threads,
        "ROWS=" + rows);
  }
}
