package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.kernel.DirectStage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Writes tensors that are not on a device into one safetensors file. */
public final class ShardWriter {
  private ShardWriter() {}

  /** Writes a file, which appears when it is complete. */
  public static NewFile.Written write(Path file, List<SourceTensor> tensors) throws IOException {
    try (StagedWriter writer = open(tensors)) {
      return StagedWriter.await(writer.write(file, tensors));
    }
  }

  static StagedWriter open(List<SourceTensor> tensors) {
    long bytes = tensors.stream().mapToLong(SourceTensor::numBytes).sum();
    return StageSize.passing(bytes)
        .open((numSlots, slotBytes) -> new DirectStage(null, numSlots, slotBytes));
  }
}
