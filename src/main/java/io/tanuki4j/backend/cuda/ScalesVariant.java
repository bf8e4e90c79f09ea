package io.tanuki4j.backend.cuda;

import java.util.List;

/** Scales of FP8 tensors. */
record ScalesVariant() implements KernelVariant {
  @Override
  public String family() {
    return "fp8scales";
  }

  @Override
  public List<String> options() {
    return List.of();
  }
}
