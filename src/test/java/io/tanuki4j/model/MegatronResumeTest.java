package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.convert.TensorComparison;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.megatron.MegatronCheckpoints;
import io.tanuki4j.megatron.MegatronFolder;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.optim.AdamW;
import io.tanuki4j.optim.OptimizerConfig;
import io.tanuki4j.optim.Rates;
import io.tanuki4j.optim.StateTypes;
import io.tanuki4j.parallel.data.DataParallel;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Runs continue where Megatron-LM stopped. The checkpoints are those of {@code
 * tools/reference/megatron_checkpoints.py … adam}: torch of tp 2 × pp 2 × vpp 2, torch_dist of one
 * rank. {@code distributed.zip} has the same state from the distributed optimizer of two replicas:
 * torch and dp_reshardable of tp 2 × pp 2 × vpp 2 in several buckets, the others of tp 2. The
 * losses are those of megatron-core's optimizer from there on.
 */
class MegatronResumeTest {
  private static final Path FOLDER = Path.of("src/test/resources/megatron/adam");
  private static final int VOCABULARY = 64;

  /** Megatron computes in fp32, this test in fp64. */
  private static final double TOLERANCE = 3e-6;

  @TempDir static Path distributed;

  private final TestDevice device = new TestDevice();

  @BeforeAll
  static void unpack() throws IOException {
    try (FileSystem zip = FileSystems.newFileSystem(FOLDER.resolveSibling("distributed.zip"));
        Stream<Path> files = Files.walk(zip.getPath("/"))) {
      for (Path file : (Iterable<Path>) files.filter(Files::isRegularFile)::iterator) {
        Path to = distributed.resolve(file.toString().substring(1));
        Files.createDirectories(to.getParent());
        Files.copy(file, to);
      }
    }
  }

  @AfterEach
  void close() {
    device.close();
  }

  private static Path folder(String format) {
    Path own = FOLDER.resolve(format);
    return Files.exists(own) ? own : distributed.resolve(format);
  }

  private static Checkpoint latest(Path folder) {
    return new CheckpointStore(folder).reading(new MegatronCheckpoints()).latest().orElseThrow();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "torch",
        "torch_dist",
        "distrib_optim",
        "dp_reshardable",
        "fully_reshardable",
        "fully_sharded_model_space"
      })
  void the_next_iterations_have_megatrons_losses(String format) throws IOException {
    Checkpoint checkpoint = latest(folder(format));
    TestModel model =
        new TestModel(
            device, new MegatronArguments("the test", checkpoint.state().arguments()).model());
    AdamW optimizer = load(checkpoint, model);
    JsonObject expected =
        JsonParser.parseString(Files.readString(FOLDER.resolve("expected.json"))).getAsJsonObject();
    Microbatch microbatch = microbatch(expected.getAsJsonArray("ids"));
    Tensor norm = device.tensor(DType.F64, Shape.of(1), new double[1]);
    for (JsonElement loss : expected.getAsJsonArray("losses")) {
      double sum = model.lossesAndGradients(microbatch)[LossKernels.CROSS_ENTROPY];
      assertThat(sum / 32).isCloseTo(loss.getAsDouble(), within(TOLERANCE));
      optimizer.step(Rates.of(1e-3, 0.1), norm);
    }
  }

  private AdamW load(Checkpoint checkpoint, TestModel model) {
    checkpoint.load(
        device.device(), StateKind.MODEL, ShardedTensor.ofValues(model.parameters()), VOCABULARY);
    AdamW optimizer =
        new AdamW(
            new OptimizerConfig(0.9, 0.95, 1e-8, 0),
            StateTypes.wide(DType.F64),
            DataParallel.alone(model.parameters(), device.device()).shard(),
            device.kernels(),
            device.scope());
    List<ShardedTensor> state = new ArrayList<>();
    optimizer.visitState(
        (kind, part, values) ->
            state.addAll(ShardedTensor.of(part.parameter(), kind + ".", part.first(), values)));
    checkpoint.load(device.device(), StateKind.OPTIMIZER, state, VOCABULARY);
    optimizer.resumeAfter(
        ((Number) Objects.requireNonNull(checkpoint.state().optimizer().get("step"))).longValue(),
        Map.of());
    return optimizer;
  }

  private Microbatch microbatch(JsonArray ids) {
    double[] text =
        IntStream.range(0, ids.size()).mapToDouble(i -> ids.get(i).getAsInt()).toArray();
    Microbatch microbatch = device.microbatch(text.length - 1, 1, 1, 1);
    device.write(microbatch.tokens(), Arrays.copyOfRange(text, 0, text.length - 1));
    device.write(microbatch.targets(), Arrays.copyOfRange(text, 1, text.length));
    return microbatch;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "torch_dist",
        "distrib_optim",
        "dp_reshardable",
        "fully_reshardable",
        "fully_sharded_model_space"
      })
  void all_formats_have_the_same_moments(String format) throws IOException {
    try (MegatronFolder ranks = MegatronFolder.open(FOLDER.resolve("torch"), null, true);
        MegatronFolder other = MegatronFolder.open(folder(format), null, true)) {
      ModelConfig model = new MegatronArguments("the test", ranks.arguments()).model();
      List<ShardedTensor> moments = ranks.optimizerTensors(model);
      assertThat(moments).hasSize(2 * (4 * 9 + 3));
      TensorComparison.requireEqual(moments, other.optimizerTensors(model));
    }
  }

  @Test
  void the_main_weights_of_a_model_in_bf16_are_those_before_rounding() throws IOException {
    try (MegatronFolder exact = MegatronFolder.open(FOLDER.resolve("torch"), null, false);
        MegatronFolder rounded = MegatronFolder.open(folder("bf16"), null, true)) {
      ModelConfig model = new MegatronArguments("the test", exact.arguments()).model();
      List<ShardedTensor> main =
          rounded.optimizerTensors(model).stream()
              .filter(tensor -> tensor.name().startsWith("fp32_param."))
              .map(tensor -> tensor.renamed(tensor.name().substring("fp32_param.".length())))
              .toList();
      assertThat(rounded.tensors(model)) // the types have buffers of their own
          .allMatch(
              tensor ->
                  tensor.type()
                      == (tensor.shape().rank() == 1 ? ElementType.F32 : ElementType.BF16));
      TensorComparison.requireEqual(exact.tensors(model), main);
    }
  }

  @Test
  void a_state_in_another_order_than_the_weights_is_refused() {
    Checkpoint shifted = latest(distributed.resolve("shifted"));
    assertThatThrownBy(() -> shifted.load(device.device(), StateKind.OPTIMIZER, List.of(), 64))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith(shifted.folder() + ": element 0 of embedding.weight is ")
        .hasMessageEndingWith(
            "(expected: the same but for rounding), so the moments are not in the order of the"
                + " weights either. Add --no-load-optim to take the weights only.");
  }

  @Test
  void a_missing_file_of_the_distributed_optimizer_is_named() throws IOException {
    Path file = folder("distrib_optim").resolve("iter_0000007/mp_rank_01_000/distrib_optim.pt");
    byte[] content = Files.readAllBytes(file);
    Files.delete(file);
    try {
      Checkpoint checkpoint = latest(folder("distrib_optim"));
      assertThatThrownBy(() -> checkpoint.load(device.device(), StateKind.OPTIMIZER, List.of(), 64))
          .isInstanceOf(UserException.class)
          .hasMessage(
              file + ": there is no such file, so the checkpoint is not whole. Copy it again.");
    } finally {
      Files.write(file, content);
    }
  }

  @Test
  void a_changed_byte_of_a_buffer_is_reported_as_damage() throws IOException {
    Path file = folder("distrib_optim").resolve("iter_0000007/mp_rank_00_001/distrib_optim.pt");
    byte[] content = Files.readAllBytes(file);
    byte[] damaged = content.clone();
    damaged[content.length / 2] ^= 1;
    Files.write(file, damaged);
    try {
      Checkpoint checkpoint = latest(folder("distrib_optim"));
      TestModel model =
          new TestModel(
              device, new MegatronArguments("the test", checkpoint.state().arguments()).model());
      assertThatThrownBy(() -> load(checkpoint, model))
          .isInstanceOf(UserException.class)
          .hasMessageContaining("the checksum of its entry")
          .hasMessageEndingWith("is wrong, so it is damaged. Copy it again.");
    } finally {
      Files.write(file, content);
    }
  }

  @Test
  void the_state_is_that_of_the_run() {
    for (String format : List.of("torch", "torch_dist", "distrib_optim", "dp_reshardable")) {
      Checkpoint checkpoint = latest(folder(format));
      assertThat(checkpoint.state().iteration()).isEqualTo(7);
      assertThat(checkpoint.state().consumedTrainSamples()).isEqualTo(28);
      assertThat(checkpoint.state().optimizer()).containsEntry("step", 7L);
      assertThat(checkpoint.state().schedule())
          .containsEntry("num_steps", 28L)
          .containsEntry("lr_decay_style", "constant");
    }
  }

  @Test
  void weights_without_moments_say_what_to_pass() {
    Checkpoint checkpoint = latest(FOLDER.resolveSibling("vpp").resolve("torch_dist"));
    assertThatThrownBy(() -> checkpoint.load(device.device(), StateKind.OPTIMIZER, List.of(), 64))
        .isInstanceOf(UserException.class)
        .hasMessage(
            checkpoint.folder()
                + ": it has no optimizer state. Add --no-load-optim or --finetune.");
  }
}
