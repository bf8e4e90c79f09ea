package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import java.util.List;

/**
 * AdamW for the types of its five tensors.
 *
 * @param same whether weight and master are one tensor
 * @param vector elements per thread
 */
record AdamWVariant(
    DType weight, DType master, DType first, DType second, DType grad, boolean same, int vector)
    implements KernelVariant {
  @Override
  public String family() {
    return "adamw";
  }

  @Override
  public List<String> options() {
    return List.of(
        "WEIGHT=" + KernelVariant.typeName(weight),
        "MASTER=" + KernelVariant.typeName(master),
        "FIRST=" + KernelVariant.typeName(first),
        "SECOND=" + KernelVariant.typeName(second),
        "GRAD=" + KernelVariant.typeName(grad),
        "SAME=" + (same ? 1 : 0),
        "VEC=" + vector);
  }
}
