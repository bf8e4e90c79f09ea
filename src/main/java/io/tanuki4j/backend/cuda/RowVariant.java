package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import java.util.List;

/**
 * A family of kernels for an element type and a number of elements per access.
 *
 * @param vector elements per access
 */
record RowVariant(String family, DType type, int vector) implements KernelVariant {
  @Override
  public List<String> options() {
    return List.of("ELEMENT=" + KernelVariant.typeName(type), "VEC=" + vector);
  }
}
