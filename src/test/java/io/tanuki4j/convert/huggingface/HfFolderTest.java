package io.tanuki4j.convert.huggingface;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.StagedWriter;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.convert.FullDisk;
import io.tanuki4j.error.UserException;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Embeddings;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.nn.RopeScaling;
import io.tanuki4j.tensor.Shape;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class HfFolderTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/llama-tiny/hf");
  private static final String WEIGHTS = "model.safetensors";

  @TempDir Path folder;
  private Path model;

  @BeforeEach
  void copy_a_model() throws IOException {
    model = Files.createDirectory(folder.resolve("model"));
    Files.copy(GOLDEN.resolve(WEIGHTS), model.resolve(WEIGHTS));
    Files.copy(GOLDEN.resolve("config.json"), model.resolve("config.json"));
  }

  @Test
  void reads_the_configuration() throws IOException {
    try (HfFolder opened = HfFolder.open(model)) {
      assertThat(opened.model())
          .isEqualTo(
              new HfModel(
                  new ModelConfig(
                      new Sizes(2, 64, 176, 512, 64, 64),
                      new Attention(4, 2, 16),
                      new Rotary(500_000, 1, 1, null),
                      Layers.llama(1e-5),
                      Embeddings.llama(false),
                      new Training(0.02, 0, Recompute.NONE)),
                  null,
                  List.of(511),
                  null));
    }
  }

  @Test
  void reads_rope_of_both_versions_of_transformers() throws IOException {
    config(
        "\"rope_theta\": 500000.0",
        "\"rope_theta\": 1e4, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}");
    assertThat(HfConfigReader.read(model).shape().rotary().interpolationFactor()).isEqualTo(2);
    assertThat(HfConfigReader.read(model).shape().rotary().base()).isEqualTo(10_000);
    config(
        "\"rope_theta\": 1e4, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0}",
        "\"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"rope_theta\": 5e5,"
            + " \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0,"
            + " \"original_max_position_embeddings\": 8192}");
    assertThat(HfConfigReader.read(model).shape().rotary().scaling()).isEqualTo(RopeScaling.LLAMA3);
    assertThat(HfConfigReader.read(model).shape().rotary().base()).isEqualTo(500_000);
  }

  @Test
  void every_configuration_survives_writing_and_reading() throws IOException {
    HfModel llama3 =
        new HfModel(
            new ModelConfig(
                new Sizes(2, 64, 176, 512, 64, 64),
                new Attention(4, 2, 32),
                new Rotary(1e4, 1, 1, new RopeScaling(32, 2, 8, 1024)),
                Layers.llama(1e-6),
                Embeddings.llama(true),
                new Training(0.01, 0, Recompute.NONE)),
            1,
            List.of(2, 3),
            0);
    HfModel linear =
        new HfModel(
            new ModelConfig(
                new Sizes(2, 64, 176, 512, 64, 64),
                new Attention(4, 4, 16),
                new Rotary(1e4, 1, 4, null),
                Layers.llama(1e-6),
                Embeddings.llama(false),
                new Training(0.01, 0, Recompute.NONE)),
            null,
            List.of(),
            null);
    for (HfModel config : List.of(llama3, linear)) {
      HfConfigWriter.write(model, config, ElementType.BF16);
      assertThat(HfConfigReader.read(model)).isEqualTo(config);
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "'llama'              | 'gpt2'                 | model_type is gpt2 (expected: llama",
        "LlamaForCausalLM     | LlamaForTokens         | architectures is ['LlamaForTokens']",
        "'silu'               | 'gelu'                 | hidden_act is gelu (expected: silu",
        "'attention_bias': false | 'attention_bias': true | attention_bias is true (expected:"
            + " false",
        "'mlp_bias': false    | 'mlp_bias': true       | mlp_bias is true (expected: false",
        "'rope_theta': 500000.0 | 'rope_scaling': {'type': 'dynamic'} | rope_type is dynamic",
        "'rope_theta': 500000.0 | 'rope_parameters': {'rope_type': 'yarn'} | rope_type is yarn",
        "'rope_theta': 500000.0 | 'rope_scaling': {'rope_type': 'llama3', 'low_freq_factor': 4}"
            + " | high_freq_factor is 4.0 (expected: more than low_freq_factor, 4.0",
        "'rope_theta': 500000.0 | 'rope_scaling': {'rope_type': 'linear'}"
            + " | factor is not there (expected: a number of 1 or more)",
        "'rope_theta': 500000.0 | 'rope_scaling': {'rope_type': 'linear', 'factor': 0}"
            + " | factor is 0 (expected: a number 1 or more, at most 1e9)",
        "'rope_theta': 500000.0 | 'rope_theta': 0      | rope_theta is 0 (expected: a number 1 or"
            + " more",
        "'rope_theta': 500000.0 | 'rope_theta': -1     | rope_theta is -1 (expected: a number 1 or",
        "'rope_theta': 500000.0 | 'rope_theta': 1e400  | rope_theta is 1e400 (expected: a number 1",
        "'rope_theta': 500000.0 | 'rope_theta': 1.0, 'rope_parameters': {'rope_theta': 0}"
            + " | rope_theta is 0 (expected: a number 1 or more, at most 1e18)",
        "'rms_norm_eps': 1e-05 | 'rms_norm_eps': -1e-5 | rms_norm_eps is -1e-5 (expected: a number"
            + " above 0",
        "'rms_norm_eps': 1e-05 | 'rms_norm_eps': 9e18  | rms_norm_eps is 9e18 (expected: a number"
            + " above 0",
        "'rope_theta': 500000.0 | 'initializer_range': 0 | initializer_range is 0 (expected",
        "'num_hidden_layers': 2, | 'num_hidden_layers': 2000000, | num_hidden_layers is 2000000"
            + " (expected: at most 100000)",
        "'max_position_embeddings': 64 | 'max_position_embeddings': 2147483647"
            + " | max_position_embeddings is 2147483647 (expected: a whole number above 0, at most",
        "'vocab_size': 512    | 'vocab_size': 1e30     | vocab_size is 1e30 (expected: a whole"
            + " number",
        "'rope_theta': 500000.0 | 'partial_rotary_factor': 0.5 | partial_rotary_factor is 0.5",
        "'rope_theta': 500000.0 | 'rope_theta': 'big'  | rope_theta is 'big' (expected: a number)",
        "'rope_theta': 500000.0 | 'quantization_config': {} | unquantized weights",
        "'rope_theta': 500000.0 | 'auto_map': {'AutoModelForCausalLM': 'own.Model'}"
            + " | auto_map is given, so the model has code of its own (expected: none;",
        "'num_hidden_layers': 2, |                     | there is no num_hidden_layers in it",
        "'hidden_size': 64    | 'hidden_size': 0       | hidden_size is 0 (expected: a whole"
            + " number",
        "'hidden_size': 64    | 'hidden_size': 64.5    | hidden_size is 64.5 (expected: a whole",
        "'num_key_value_heads': 2 | 'num_key_value_heads': 3 | a divisor of the 4 heads",
        "'tie_word_embeddings': false | 'tie_word_embeddings': 'no' | (expected: true or false)",
        "'rope_theta': 500000.0 | 'rope_scaling': 7    | rope_scaling is 7 (expected: an object)",
        "'eos_token_id': 511  | 'eos_token_id': 'x'    | eos_token_id is 'x' (expected: a number)",
      })
  void names_what_is_unusual_in_a_configuration(String from, String to, String sentence)
      throws IOException {
    config(from.replace('\'', '"'), to == null ? "" : to.replace('\'', '"'));
    assertRefused(model.resolve("config.json") + ": ", sentence.replace('\'', '"'));
  }

  @Test
  void configuration_that_is_missing_or_cut_short() throws IOException {
    String whole = Files.readString(model.resolve("config.json"));
    Files.writeString(model.resolve("config.json"), whole.substring(0, 90));
    assertRefused("config.json: it is no JSON object: it is damaged or cut short");
    Files.delete(model.resolve("config.json"));
    assertRefused("config.json: there is no such file");
    assertThatThrownBy(() -> HfFolder.open(folder.resolve("none")))
        .hasMessage(folder.resolve("none") + ": there is no such folder. Check the path.");
  }

  @Test
  void weights_that_are_missing_foreign_or_cut_short() throws IOException {
    byte[] bytes = Files.readAllBytes(model.resolve(WEIGHTS));
    Files.write(model.resolve(WEIGHTS), Arrays.copyOf(bytes, bytes.length - 7));
    assertRefused("model.safetensors: it has 634209 bytes, but its header promises 634216");
    Files.delete(model.resolve(WEIGHTS));
    assertRefused("there is neither model.safetensors nor model.safetensors.index.json in it");
    Files.writeString(model.resolve("pytorch_model.bin"), "x");
    assertRefused("its weights are in pytorch_model.bin. Save them as safetensors first");
  }

  @Test
  void weights_of_another_shape() throws IOException {
    config("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3");
    assertRefused(
        "it lacks model.layers.2.input_layernorm.weight, model.layers.2.self_attn.q_proj.weight,",
        " and 4 more. It does not fit its config.json");
    config("\"num_hidden_layers\": 3", "\"num_hidden_layers\": 1");
    assertRefused("it has besides the model's tensors model.layers.1.", " and 4 more");
    config("\"num_hidden_layers\": 1", "\"num_hidden_layers\": 2");
    config("\"vocab_size\": 512", "\"vocab_size\": 600");
    assertRefused("it has model.embed_tokens.weight as F32 [512, 64] instead of [600, 64]");
  }

  @Test
  void a_tied_head_must_be_the_embedding() throws IOException {
    config("\"tie_word_embeddings\": false", "\"tie_word_embeddings\": true");
    assertRefused("lm_head.weight differs from model.embed_tokens.weight, but tie_word_embeddings");
  }

  @Test
  void a_folder_that_cannot_be_written_is_a_sentence_and_leaves_nothing() throws IOException {
    Path copy = folder.resolve("copy");
    try (HfFolder opened = HfFolder.open(model)) {
      HfWriter writer = new HfWriter(copy, opened.model(), Map.of(), Long.MAX_VALUE);
      List<ShardedTensor> unreadable = opened.tensors().stream().map(FullDisk::instead).toList();
      assertThatThrownBy(() -> writer.write(unreadable)).hasMessage(FullDisk.sentence(copy));
    }
    assertThat(copy).doesNotExist();
    assertThat(folder.resolve("copy.saving")).doesNotExist();
  }

  @Test
  void shards_and_index_must_agree() throws IOException {
    Path sharded = folder.resolve("sharded");
    try (HfFolder opened = HfFolder.open(model)) {
      new HfWriter(sharded, opened.model(), Map.of(), 200_000).write(opened.tensors());
    }
    HfFolder.open(sharded).close();
    model = sharded;
    Path index = sharded.resolve("model.safetensors.index.json");
    String whole = Files.readString(index);

    Files.writeString(
        index, whole.replaceFirst("\"model.norm.weight\": \"[^\"]*\"", "\"x\": \"y\""));
    assertRefused("y: there is no such file");
    Files.writeString(
        index,
        whole.replaceFirst(
            "\"model.norm.weight\": \"[^\"]*\"",
            "\"lm_head.weight\": \"model-00004-of-00004.safetensors\""));
    assertRefused(
        "it holds model.norm.weight, which model.safetensors.index.json does not place there");
    Files.writeString(index, whole.replaceAll("model-00002-of", "../model-00002-of"));
    assertRefused("(expected: the name of a file in the same folder)");
    Files.writeString(index, whole.substring(0, 200));
    assertRefused("index.json: it is no JSON object");

    Files.writeString(index, whole);
    Files.delete(sharded.resolve("model-00002-of-00004.safetensors"));
    assertRefused("model-00002-of-00004.safetensors: there is no such file");
  }

  @Test
  void derived_tensors_of_old_versions_are_left_out() throws IOException {
    Path old = folder.resolve("old");
    Files.createDirectory(old);
    Files.copy(model.resolve("config.json"), old.resolve("config.json"));
    try (HfFolder opened = HfFolder.open(model)) {
      List<ShardedTensor> tensors = new ArrayList<>();
      List<HfTensor> names = HfTensor.of(opened.model().shape());
      for (int i = 0; i < names.size(); i++) {
        tensors.add(opened.tensors().get(i).renamed(names.get(i).theirs()));
      }
      tensors.add(
          ShardedTensor.whole(
              "model.layers.0.self_attn.rotary_emb.inv_freq",
              ElementType.F32,
              Shape.of(8),
              (first, into) -> into.put(new byte[into.remaining()])));
      StagedWriter.writeFile(old.resolve(WEIGHTS), tensors);
    }
    try (HfFolder opened = HfFolder.open(old)) {
      assertThat(opened.tensors()).hasSize(21);
    }
  }

  private void config(String from, String to) throws IOException {
    Path file = model.resolve("config.json");
    String before = Files.readString(file);
    assertThat(before).contains(from);
    Files.writeString(file, before.replace(from, to));
  }

  private void assertRefused(String... parts) {
    assertThatThrownBy(() -> HfFolder.open(model))
        .isExactlyInstanceOf(UserException.class)
        .hasMessageContainingAll(parts);
  }
}
