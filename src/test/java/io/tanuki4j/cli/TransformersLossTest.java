package io.tanuki4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.data.IndexedDatasetWriter;
import io.tanuki4j.data.TokenType;
import io.tanuki4j.error.UserException;
import io.tanuki4j.run.Assembly;
import io.tanuki4j.run.TinyLlama;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Imported models against transformers, whose losses tools/reference/llama_losses.py wrote. */
class TransformersLossTest {
  private static final Path MODELS = Path.of("src/test/resources/models");

  /** Sums in fp32 in another order; a wrong constant of a model changes more. */
  private static final double SUMMATION_ORDER = 2e-5;

  private static final String LOCAL = "--distributed-backend local --tensor-model-parallel-size 2";

  /** What a Hugging Face model does not say. */
  private static final String TOKENIZER = "--tokenizer-type NullTokenizer --vocab-size 60";

  private static final String NEW =
      "--num-layers 2 --hidden-size 16 --num-attention-heads 4 --seq-length 96"
          + " --ffn-hidden-size 16 --max-position-embeddings 96 --position-embedding-type rope"
          + " --normalization RMSNorm --swiglu --disable-bias-linear --attention-dropout 0"
          + " --hidden-dropout 0 "
          + TOKENIZER;

  @TempDir Path folder;

  @BeforeEach
  void write_the_text() throws IOException {
    int[] text = new int[expected().getAsJsonArray("text").size()];
    for (int i = 0; i < text.length; i++) {
      text[i] = expected().getAsJsonArray("text").get(i).getAsInt();
    }
    try (var writer = new IndexedDatasetWriter(folder.resolve("text"), TokenType.UINT16)) {
      writer.addDocument(List.of(text));
      writer.finish();
    }
  }

  static Stream<String> models() throws IOException {
    return expected().getAsJsonObject("losses").keySet().stream();
  }

  @ParameterizedTest
  @MethodSource("models")
  void the_loss_is_that_of_transformers(String name) throws IOException {
    Path checkpoint = imported(model(name), name);
    assertThat(loss(checkpoint, TOKENIZER)).isCloseTo(expected(name), within(SUMMATION_ORDER));
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain", "tied", "biases", "qwen2-tied", "qwen3"})
  void the_loss_is_the_same_at_every_layout(String name) throws IOException {
    Path checkpoint = imported(model(name), name);
    for (String layout :
        List.of(
            LOCAL,
            LOCAL + " --make-vocab-size-divisible-by 64",
            LOCAL + " --pipeline-model-parallel-size 2 --sequence-parallel",
            "--make-vocab-size-divisible-by 999")) {
      assertThat(loss(checkpoint, TOKENIZER + " " + layout))
          .as(layout)
          .isCloseTo(expected(name), within(SUMMATION_ORDER));
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "llama3-32",
        "llama3-low-2-high-16",
        "linear-2.5",
        "eps-1e-2",
        "theta-5e5",
        "head-dim-8",
        "tied",
        "mistral",
        "biases",
        "qwen2",
        "qwen2-tied",
        "qwen3",
        "qwen3-theta-5e5"
      })
  void a_model_survives_training_and_export(String name) throws IOException {
    Path source = model(name);
    Path trained = folder.resolve("trained");
    train(imported(source, name), trained, "--finetune --use-checkpoint-args " + TOKENIZER);
    Path exported = folder.resolve("exported");
    convert("tanuki4j", "hf", trained, exported);
    assertSameModel(source, exported);
    assertThat(loss(imported(exported, "again"), TOKENIZER))
        .isCloseTo(expected(name), within(SUMMATION_ORDER));
  }

  /** Its Llama does not scale, so the table is multiplied. */
  @ParameterizedTest
  @ValueSource(strings = {"", " --untie-embeddings-and-output-weights", " --bf16"})
  void a_scaled_embedding_has_the_same_loss_when_exported(String flags) throws IOException {
    Path trained = folder.resolve("trained");
    String unscaled = NEW + " --make-vocab-size-divisible-by 1" + flags;
    train(folder.resolve("nothing"), trained, unscaled + " --use-embedding-scaling");
    Path exported = folder.resolve("exported");
    convert("tanuki4j", "hf", trained, exported);
    assertThat(json(exported.resolve("config.json")).get("tie_word_embeddings").getAsBoolean())
        .isFalse();
    String precision = flags.contains("bf16") ? TOKENIZER + " --bf16" : TOKENIZER;
    assertThat(loss(imported(exported, "again"), precision))
        .isEqualTo(loss(trained, flags.contains("bf16") ? "--bf16" : ""));
    train(folder.resolve("nothing"), folder.resolve("unscaled"), unscaled);
    assertThat(loss(folder.resolve("unscaled"), "")).isNotEqualTo(loss(trained, ""));
  }

  @Test
  void a_model_started_here_has_the_same_loss_at_other_layouts() throws IOException {
    Path trained = folder.resolve("trained");
    train(folder.resolve("nothing"), trained, NEW + " --make-vocab-size-divisible-by 7");
    double one = loss(trained, "");
    assertThat(loss(trained, LOCAL)).isCloseTo(one, within(SUMMATION_ORDER));
    train(trained, folder.resolve("more"), LOCAL + " --finetune --use-checkpoint-args");
    assertThat(loss(folder.resolve("more"), "")).isCloseTo(one, within(SUMMATION_ORDER));
  }

  @Test
  void a_run_on_mock_data_is_evaluated_on_it() {
    Path trained = folder.resolve("trained");
    TinyLlama.run(
        List.of(
            ("--mock-data --save-interval 1 --micro-batch-size 1 --train-iters 1 --lr 1e-3"
                    + " --eval-iters 1 --backend cpu --save "
                    + trained
                    + " "
                    + NEW)
                .split(" +", -1)));
    assertThat(evaluations(trained, "")).hasSize(2);
  }

  @Test
  void a_run_of_samples_is_evaluated_by_its_checkpoint_alone() {
    Path trained = folder.resolve("trained");
    TinyLlama.run(
        List.of(
            ("--mock-data --save-interval 1 --micro-batch-size 1 --train-samples 4 --lr 1e-3"
                    + " --eval-iters 1 --backend cpu --save "
                    + trained
                    + " "
                    + NEW)
                .split(" +", -1)));
    List<Double> losses = evaluations(trained, "");
    assertThat(losses).hasSize(2);
    assertThat(evaluations(trained, "--train-iters 4")).isEqualTo(losses);
  }

  @Test
  void an_evaluation_without_data_fails() throws IOException {
    Path trained = folder.resolve("trained");
    train(folder.resolve("nothing"), trained, NEW);
    String data = "--data-path " + folder.resolve("text");
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> evaluations(trained, data + " --split 1,0,0"))
        .withMessageStartingWith("no validation or test data (expected: ");
  }

  /** Trains so little that no digit changes. */
  private void train(Path load, Path save, String flags) {
    List<String> words = new ArrayList<>(List.of("--load", load.toString()));
    words.addAll(List.of("--save", save.toString(), "--save-interval", "1"));
    words.addAll(
        List.of(
            ("--micro-batch-size 1 --train-iters 1 --lr 1e-12 --weight-decay 0 --eval-iters 0"
                    + " --backend cpu --train-data-path "
                    + folder.resolve("text")
                    + " "
                    + flags)
                .split(" +", -1)));
    TinyLlama.run(words);
  }

  private double loss(Path checkpoint, String flags) {
    return evaluations(checkpoint, "--valid-data-path " + folder.resolve("text") + " " + flags)
        .get(0);
  }

  private static List<Double> evaluations(Path checkpoint, String flags) {
    EvaluateCommand command = new EvaluateCommand();
    String words = "--load %s --eval-iters 1 --backend cpu %s".formatted(checkpoint, flags);
    new CommandLine(command).parseArgs(words.strip().split(" +", -1));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Assembly.evaluate(command.resolve(Map.of()), new PrintStream(bytes, true, UTF_8));
    return new TinyLlama.Output(bytes.toString(UTF_8)).evaluations();
  }

  private Path imported(Path model, String name) throws IOException {
    Path checkpoint = folder.resolve("imported-" + name);
    convert("hf", "tanuki4j", model, checkpoint);
    return checkpoint;
  }

  private static void convert(String loader, String saver, Path from, Path to) throws IOException {
    ConvertCommand command = new ConvertCommand();
    new CommandLine(command)
        .setOut(new PrintWriter(new StringWriter()))
        .parseArgs(
            "--loader=" + loader, "--saver=" + saver, "--load-dir=" + from, "--save-dir=" + to);
    assertThat(command.call()).isZero();
  }

  /** The model's folder; many of the fixtures share their weights. */
  private Path model(String name) throws IOException {
    Path model = Files.createDirectory(folder.resolve(name));
    try (Stream<Path> files = Files.list(MODELS.resolve(name))) {
      for (Path file : files.toList()) {
        Files.copy(file, model.resolve(file.getFileName()));
      }
    }
    try (Stream<Path> files = Files.list(model)) {
      if (files.noneMatch(file -> file.toString().endsWith(".safetensors"))) {
        String weights = "model.safetensors";
        Files.copy(MODELS.resolve("plain").resolve(weights), model.resolve(weights));
      }
    }
    return model;
  }

  /** Everything that an export says of the model, but not of how it is stored. */
  private static void assertSameModel(Path source, Path exported) throws IOException {
    JsonObject before = json(source.resolve("config.json"));
    JsonObject after = json(exported.resolve("config.json"));
    boolean mistral = before.get("model_type").getAsString().equals("mistral"); // written as Llama
    List<String> others =
        mistral
            ? List.of("architectures", "model_type", "transformers_version")
            : List.of("transformers_version", "layer_types", "max_window_layers");
    others.forEach(before::remove);
    for (Map.Entry<String, JsonElement> field : before.entrySet()) {
      if (!field.getValue().isJsonNull()) {
        assertThat(after.get(field.getKey())).as(field.getKey()).isEqualTo(field.getValue());
      }
    }
  }

  private static double expected(String name) throws IOException {
    return expected().getAsJsonObject("losses").get(name).getAsDouble();
  }

  private static JsonObject expected() throws IOException {
    return json(MODELS.resolve("expected.json"));
  }

  private static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }
}
