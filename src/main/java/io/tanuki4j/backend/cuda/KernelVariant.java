package io.tanuki4j.backend.cuda;

import io.tanuki4j.tensor.DType;
import java.util.List;

/**
 * A family of kernels ({@code .cu} resource) with the types and sizes it is compiled for. Equal
 * variants share one compiled module.
 */
interface KernelVariant {
  /** Returns the name of the family, and of its first resource without the ending. */
  String family();

  /** Returns the names of its resources, in the order in which they make a module. */
  default List<String> sources() {
    return List.of(family());
  }

  /** Returns the family's options as {@code NAME=value}. */
  List<String> options();

  /** Returns the name of an element type in the sources. */
  static String typeName(DType dtype) {
    return switch (dtype) {
      case F8_E4M3 -> "e4m3";
      case F8_E5M2 -> "e5m2";
      case BF16 -> "bf16";
      case F16 -> "fp16";
      case F32 -> "float";
      case F64 -> "double";
      case I32 -> "u32";
      case I64 -> "u64";
    };
  }
}
