package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.safetensors.NewTensor;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter;
import io.tanuki4j.checkpoint.safetensors.TensorEntry;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Writes tensors into one safetensors file through one small buffer. */
public final class ShardWriter {
  private static final int BUFFER_BYTES = 4 << 20;

  private ShardWriter() {}

  /** Writes a file that appears when it is whole. */
  public static NewFile.Written write(Path file, List<SourceTensor> tensors) throws IOException {
    Map<String, SourceTensor> sources = new HashMap<>();
    tensors.forEach(tensor -> sources.put(tensor.entryName(), tensor));
    List<NewTensor> plan =
        tensors.stream().map(t -> new NewTensor(t.entryName(), t.type(), t.shape())).toList();
    ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    try (SafetensorsWriter writer =
        SafetensorsWriter.create(file, plan, SafetensorsWriter.PYTORCH)) {
      for (TensorEntry entry : writer.tensors()) {
        SourceTensor source = sources.get(entry.name());
        if (source == null) {
          throw new IllegalStateException("the writer made up a tensor " + entry.name());
        }
        copy(writer, entry, source.content(), buffer);
      }
      return writer.publish();
    }
  }

  private static void copy(
      SafetensorsWriter writer, TensorEntry entry, TensorContent content, ByteBuffer buffer)
      throws IOException {
    long numElements = entry.shape().numElements();
    if (numElements == 0) {
      return;
    }
    long elementBytes = entry.numBytes() / numElements;
    long perBuffer = BUFFER_BYTES / elementBytes;
    for (long first = 0; first < numElements; first += perBuffer) {
      long count = Math.min(perBuffer, numElements - first);
      buffer.clear().limit(Math.toIntExact(count * elementBytes));
      content.read(first, buffer);
      writer.append(buffer.flip());
    }
  }
}
