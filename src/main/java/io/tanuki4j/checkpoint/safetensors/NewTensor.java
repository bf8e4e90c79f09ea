package io.tanuki4j.checkpoint.safetensors;

import io.tanuki4j.tensor.Shape;

/** A tensor to be written; {@link SafetensorsWriter} chooses its position. */
public record NewTensor(String name, ElementType type, Shape shape) {}
