package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.nd4j.Nd4jCheckpoint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.factory.Nd4j;

class Nd4jCheckpointTest {
  private static final String NAME = "layers.0.mlp.down.weight";

  @TempDir Path folder;

  /** The example of the README. */
  @Test
  void singular_values_of_a_trained_weight() throws IOException {
    Path checkpoints = trained();
    Path file = folder.resolve("weights.safetensors");

    var weights = Nd4jCheckpoint.readWeights(checkpoints);
    var weight = Objects.requireNonNull(weights.get(NAME));
    var singularValues = Nd4j.create(weight.dataType(), Math.min(weight.rows(), weight.columns()));
    Nd4j.getBlasWrapper().lapack().gesvd(weight.dup('f'), singularValues, null, null);
    double largest = singularValues.maxNumber().doubleValue();
    weights.put(NAME, weight.div(largest));
    Nd4jCheckpoint.writeSafetensors(file, weights);

    double[] values = singularValues.toDoubleVector();
    double squares = 0;
    for (double value : values) {
      squares += value * value;
    }
    double norm = weight.mul(weight).sumNumber().doubleValue();
    assertThat(squares).isCloseTo(norm, within(1e-5 * norm));
    try (SafetensorsReader reader = SafetensorsReader.open(file)) {
      assertThat(reader.tensors()).hasSameSizeAs(weights.keySet());
      float first = weight.getFloat(0, 0) / (float) largest;
      assertThat(first(reader, reader.tensor(NAME))).isCloseTo(first, within(1e-7f));
    }
  }

  private Path trained() throws IOException {
    Path checkpoints = folder.resolve("checkpoints");
    var options = new LlamaRun.Options(folder.resolve("cache"), checkpoints, null, 2, 1000);
    try (LlamaRun run = new LlamaRun(GoldenRun.of("llama-tiny"), options)) {
      run.run();
    }
    return checkpoints;
  }

  private static float first(SafetensorsReader reader, TensorEntry entry) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    reader.read(entry, 0, bytes);
    return bytes.getFloat(0);
  }

  @Test
  void a_folder_without_a_checkpoint_is_refused() {
    assertThatThrownBy(() -> Nd4jCheckpoint.readWeights(folder))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("there is no checkpoint in it");
  }
}
