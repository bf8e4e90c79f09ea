package io.tanuki4j.backend.cuda;

import java.util.List;

/**
 * Filling elements of one size with one pattern.
 *
 * @param bytes per element: 1, 2, 4 or 8
 */
record FillVariant(int bytes) implements KernelVariant {
  @Override
  public String family() {
    return "fill";
  }

  @Override
  public List<String> options() {
    return List.of("ELEMENT=u" + 8 * bytes);
  }
}
