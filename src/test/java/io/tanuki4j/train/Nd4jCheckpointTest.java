package io.tanuki4j.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.cli.ConvertCommand;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.GoldenRun;
import io.tanuki4j.nd4j.Nd4jCheckpoint;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.factory.Nd4j;
import picocli.CommandLine;

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

  @ParameterizedTest
  @EnumSource(
      value = DataType.class,
      names = {"BFLOAT16", "HALF"})
  void arrays_of_sixteen_bits_are_written(DataType type) throws IOException {
    Path file = folder.resolve("weights.safetensors");
    float[] numbers = {1, -2.5f, 0x1p-14f, 0, 3.140625f, 65_280};
    Nd4jCheckpoint.writeSafetensors(file, Map.of("x", Nd4j.createFromArray(numbers).castTo(type)));
    boolean half = type == DataType.FLOAT16;
    try (SafetensorsReader reader = SafetensorsReader.open(file)) {
      TensorEntry entry = reader.tensor("x");
      assertThat(entry.type()).isEqualTo(half ? ElementType.F16 : ElementType.BF16);
      ByteBuffer bytes = ByteBuffer.allocate(12).order(ByteOrder.LITTLE_ENDIAN);
      reader.read(entry, 0, bytes);
      for (int i = 0; i < numbers.length; i++) {
        short bits = bytes.getShort(2 * i);
        assertThat(Float16.toFloat(bits, half ? DType.F16 : DType.BF16)).isEqualTo(numbers[i]);
      }
    }
  }

  @Test
  void weights_in_fp16_become_floats() throws IOException {
    Path checkpoints = folder.resolve("half");
    int code =
        new CommandLine(new ConvertCommand())
            .setOut(new PrintWriter(new StringWriter()))
            .execute(
                "--loader=hf",
                "--saver=tanuki4j",
                "--load-dir=src/test/resources/golden/llama-tiny/hf",
                "--save-dir=" + checkpoints,
                "--fp16");
    assertThat(code).isZero();
    var weight = Objects.requireNonNull(Nd4jCheckpoint.readWeights(checkpoints).get(NAME));
    assertThat(weight.dataType()).isEqualTo(DataType.FLOAT);
    float value = weight.getFloat(0, 0);
    assertThat(value).isNotZero();
    assertThat(Float16.toFloat(Float16.fromFloat(value, DType.F16), DType.F16)).isEqualTo(value);
  }

  @Test
  void a_folder_without_a_checkpoint_is_refused() {
    assertThatThrownBy(() -> Nd4jCheckpoint.readWeights(folder))
        .isInstanceOf(UserException.class)
        .hasMessageContaining("there is no checkpoint in it");
  }
}
