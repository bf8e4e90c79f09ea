package io.tanuki4j.checkpoint.safetensors;

import io.tanuki4j.tensor.Shape;

/** A tensor that is going to be written: {@link SafetensorsWriter} decides on its place. */
public record NewTensor(String name, ElementType type, Shape shape) {}
