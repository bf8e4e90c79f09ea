package io.tanuki4j.model;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TensorViews;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.MegatronFormat;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.nn.TestDevice;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints that Megatron wrote have here the loss that they have there. */
class MegatronWeightsTest {
  private static final Path FOLDER = Path.of("src/test/resources/megatron");

  /** Megatron computes in fp32, this test in fp64. */
  private static final double TOLERANCE = 2e-6;

  private final TestDevice device = new TestDevice();

  @AfterEach
  void close() {
    device.close();
  }

  @ParameterizedTest
  @ValueSource(strings = {"vpp/torch", "vpp/torch_dist", "te/torch"})
  void have_their_sources_loss(String checkpoint) throws IOException {
    Path folder = FOLDER.resolve(checkpoint);
    JsonObject expected =
        JsonParser.parseString(Files.readString(folder.resolveSibling("expected.json")))
            .getAsJsonObject();
    try (ConversionSource source = MegatronFormat.open(folder, null, null)) {
      ModelConfig config = new MegatronArguments("the test", source.state().arguments()).model(64);
      TestModel model = new TestModel(device, config);
      load(model, source.tensors());
      assertThat(loss(model, ids(expected.getAsJsonArray("ids"))))
          .isCloseTo(expected.get("loss").getAsDouble(), within(TOLERANCE));
    }
  }

  private void load(TestModel model, List<ShardedTensor> tensors) throws IOException {
    Map<String, ShardedTensor> byName =
        tensors.stream().collect(Collectors.toMap(ShardedTensor::name, Function.identity()));
    for (Parameter parameter : model.parameters().all()) {
      List<Double> values = new ArrayList<>();
      for (ParameterSpec.Slice slice : parameter.spec().slices()) {
        values.addAll(values(requireNonNull(byName.remove(slice.name()))));
      }
      device.write(parameter.value(), values.stream().mapToDouble(Double::doubleValue).toArray());
    }
    assertThat(byName).isEmpty();
  }

  private static List<Double> values(ShardedTensor tensor) throws IOException {
    int count = Math.toIntExact(tensor.shape().numElements());
    ByteBuffer bytes = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    TensorViews.retyped(tensor, ElementType.F32).content().read(0, bytes);
    bytes.flip();
    return IntStream.range(0, count).mapToObj(i -> (double) bytes.getFloat()).toList();
  }

  private double loss(TestModel model, double[] ids) {
    int count = ids.length - 1;
    Microbatch microbatch = device.microbatch(count, 1, 1, 1);
    device.write(microbatch.tokens(), Arrays.copyOfRange(ids, 0, count));
    device.write(microbatch.targets(), Arrays.copyOfRange(ids, 1, ids.length));
    try (MemoryScope scope = device.scope().child("evaluation")) {
      model.chunk().forward(null, TestDevice.evaluation(microbatch.withScope(scope)));
    }
    return device.read(microbatch.lossSums())[LossKernels.CROSS_ENTROPY] / count;
  }

  private static double[] ids(JsonArray array) {
    return IntStream.range(0, array.size()).mapToDouble(i -> array.get(i).getAsInt()).toArray();
  }
}
