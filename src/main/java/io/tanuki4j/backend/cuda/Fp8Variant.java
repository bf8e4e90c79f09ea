package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import java.util.List;

/**
 * Quantization to an FP8 type.
 *
 * @param type F8_E4M3 or F8_E5M2
 */
record Fp8Variant(DType type) implements KernelVariant {
  @Override
  public String family() {
    return "fp8";
  }

  @Override
  public List<String> sources() {
    return List.of("fp8", "fp8norm");
  }

  @Override
  public List<String> options() {
    return List.of("E5M2=" + (type == DType.F8_E5M2 ? 1 : 0));
  }
}
