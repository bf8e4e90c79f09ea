package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import java.util.List;

/**
 * A family of kernels between two element types.
 *
 * @param outName the option that names the output's type
 * @param inName the option that names the input's type
 * @param vector elements per access
 */
record PairVariant(String family, String outName, DType out, String inName, DType in, int vector)
    implements KernelVariant {

  /** Returns the variant of conversion and addition. */
  static PairVariant elementwise(DType out, DType in, int vector) {
    return new PairVariant("elementwise", "OUT", out, "IN", in, vector);
  }

  /**
   * Returns the variant of embedding.
   *
   * @param grad of the table's gradient
   * @param type of the table and of its rows
   */
  static PairVariant embedding(DType grad, DType type, int vector) {
    return new PairVariant("embedding", "GRAD", grad, "ELEMENT", type, vector);
  }

  /**
   * Returns the variant of sums over rows.
   *
   * @param family of the kernels
   * @param grad of the sums
   * @param type of the rows
   */
  static PairVariant rowSums(String family, DType grad, DType type, int vector) {
    return new PairVariant(family, "GRAD", grad, "ELEMENT", type, vector);
  }

  @Override
  public List<String> options() {
    return List.of(
        outName + "=" + KernelVariant.typeName(out),
        inName + "=" + KernelVariant.typeName(in),
        "VEC=" + vector);
  }
}
