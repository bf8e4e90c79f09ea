package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import org.jspecify.annotations.Nullable;

/** The element types of torch's tensors that models use, with torch's names. */
enum TorchType {
  FLOAT64("float64", "DoubleStorage", ElementType.F64),
  FLOAT32("float32", "FloatStorage", ElementType.F32),
  FLOAT16("float16", "HalfStorage", ElementType.F16),
  BFLOAT16("bfloat16", "BFloat16Storage", ElementType.BF16),
  INT64("int64", "LongStorage", ElementType.I64),
  INT32("int32", "IntStorage", ElementType.I32),
  INT16("int16", "ShortStorage", ElementType.I16),
  INT8("int8", "CharStorage", ElementType.I8),
  UINT8("uint8", "ByteStorage", ElementType.U8),
  BOOL("bool", "BoolStorage", ElementType.BOOL);

  private final String dtype;
  private final String storage;
  private final ElementType element;

  TorchType(String dtype, String storage, ElementType element) {
    this.dtype = dtype;
    this.storage = storage;
    this.element = element;
  }

  String storage() {
    return storage;
  }

  ElementType element() {
    return element;
  }

  /** Returns the type by torch's name, {@code bfloat16}; null if there is none. */
  static @Nullable TorchType named(String dtype) {
    for (TorchType type : values()) {
      if (type.dtype.equals(dtype)) {
        return type;
      }
    }
    return null;
  }

  /** Returns the type of the elements of a storage's class; null if it is not one of these. */
  static @Nullable TorchType ofStorage(String name) {
    for (TorchType type : values()) {
      if (name.endsWith("." + type.storage)) {
        return type;
      }
    }
    return null;
  }

  /** Returns the counterpart of a file's element type; null if there is none here. */
  static @Nullable TorchType of(ElementType element) {
    for (TorchType type : values()) {
      if (type.element == element) {
        return type;
      }
    }
    return null;
  }
}
