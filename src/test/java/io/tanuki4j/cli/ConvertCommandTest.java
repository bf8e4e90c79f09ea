package io.tanuki4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.OpenShards;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TensorViews;
import io.tanuki4j.checkpoint.TrainState;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.config.ConfigException;
import io.tanuki4j.convert.huggingface.HfFolder;
import io.tanuki4j.convert.huggingface.HfModel;
import io.tanuki4j.convert.huggingface.HfWriter;
import io.tanuki4j.error.UserException;
import io.tanuki4j.run.SavedArguments;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Float16;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.TokenizerType;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class ConvertCommandTest {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/llama-tiny/hf");
  private static final Path TOKENIZER = Path.of("tokenizer/ja_en_8k_unigram_identity.model");

  @TempDir Path folder;

  @Test
  void weights_come_back_bit_for_bit() throws IOException {
    String output = hfToOurs();
    assertThat(output).contains("21 tensors, vocabulary of 512 in 512 rows", "MB/s", " > checked");
    convert("tanuki4j", "hf", ours(), back());
    assertThat(back().resolve("model.safetensors"))
        .hasSameBinaryContentAs(GOLDEN.resolve("model.safetensors"));
    try (Stream<Path> files = Files.list(back())) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder("config.json", "generation_config.json", "model.safetensors");
    }
  }

  @Test
  void the_configuration_comes_back() throws IOException {
    hfToOurs();
    convert("tanuki4j", "hf", ours(), back());
    JsonObject before = json(GOLDEN.resolve("config.json"));
    JsonObject after = json(back().resolve("config.json"));
    for (String name : before.keySet()) {
      assertThat(after.get(name)).as(name).isEqualTo(before.get(name));
    }
    assertThat(after.get("dtype").getAsString()).isEqualTo("float32");
    assertThat(after.getAsJsonObject("rope_parameters").get("rope_theta").getAsDouble())
        .isEqualTo(500_000);
    assertThat(json(back().resolve("generation_config.json")).get("eos_token_id").getAsInt())
        .isEqualTo(511);
  }

  @Test
  void the_checkpoint_keeps_what_a_run_needs_to_go_on() throws IOException {
    hfToOurs("--tokenizer-type", "NullTokenizer");
    Checkpoint checkpoint = new CheckpointStore(ours()).latest().orElseThrow();
    assertThat(checkpoint.state().iteration()).isEqualTo(1);
    assertThat(checkpoint.state().vocabSize()).isEqualTo(512);
    assertThat(checkpoint.has(StateKind.OPTIMIZER)).isFalse();
    assertThat(checkpoint.state().arguments())
        .containsEntry("num_layers", 2L)
        .containsEntry("hidden_size", 64L)
        .containsEntry("ffn_hidden_size", 176L)
        .containsEntry("num_attention_heads", 4L)
        .containsEntry("num_query_groups", 2L)
        .containsEntry("group_query_attention", true)
        .containsEntry("kv_channels", 16L)
        .containsEntry("padded_vocab_size", 512L)
        .containsEntry("rotary_base", 500_000.0)
        .containsEntry("norm_epsilon", 1e-5)
        .containsEntry("untie_embeddings_and_output_weights", true)
        .containsEntry("normalization", "RMSNorm")
        .containsEntry("swiglu", true)
        .containsEntry("tokenizer_type", "NullTokenizer");
  }

  @Test
  void a_weight_that_is_not_finite_is_named() throws IOException {
    Path damaged = Files.createDirectory(folder.resolve("damaged"));
    Files.copy(GOLDEN.resolve("config.json"), damaged.resolve("config.json"));
    byte[] bytes = Files.readAllBytes(GOLDEN.resolve("model.safetensors"));
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, Float.NaN);
    Files.write(damaged.resolve("model.safetensors"), bytes);
    assertThatThrownBy(() -> convert("hf", "tanuki4j", damaged, ours()))
        .isInstanceOf(UserException.class)
        .hasMessageMatching(
            damaged
                + ": model\\.\\S+ holds a NaN or an infinity \\(expected: finite numbers\\)\\..*");
    assertThat(new CheckpointStore(ours()).latest()).isEmpty();
  }

  @Test
  void tensors_have_the_names_of_the_model() throws IOException {
    hfToOurs();
    try (OpenShards shards =
        new CheckpointStore(ours()).latest().orElseThrow().open(StateKind.MODEL)) {
      assertThat(shards.tensors())
          .extracting(ShardedTensor::name)
          .contains(
              "embedding.weight",
              "layers.1.attention.norm.weight",
              "layers.1.attention.q.weight",
              "layers.1.attention.k.weight",
              "layers.1.attention.v.weight",
              "layers.1.attention.proj.weight",
              "layers.1.mlp.norm.weight",
              "layers.1.mlp.gate.weight",
              "layers.1.mlp.up.weight",
              "layers.1.mlp.down.weight",
              "final_norm.weight",
              "output.weight");
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, local", "2, 1, transformer_engine", "1, 2, local", "2, 2, transformer_engine"})
  void megatrons_checkpoints_are_written_for_any_layout(int tp, int pp, String layers)
      throws IOException {
    hfToOurs();
    Path megatron = folder.resolve("megatron");
    String output =
        convert(
            "tanuki4j",
            "megatron",
            ours(),
            megatron,
            "--target-tensor-parallel-size",
            "" + tp,
            "--target-pipeline-parallel-size",
            "" + pp,
            "--saver-transformer-impl",
            layers);
    assertThat(output).contains("in Megatron's format torch, tp " + tp, " > checked");
    assertThat(megatron.resolve("latest_checkpointed_iteration.txt")).hasContent("1");
    convert("megatron", "hf", megatron, back());
    assertThat(back().resolve("model.safetensors"))
        .hasSameBinaryContentAs(GOLDEN.resolve("model.safetensors"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"vpp/torch", "vpp/torch_dist"})
  void megatrons_checkpoints_are_read_at_any_layout_and_written_at_another(String fixture)
      throws IOException {
    Path megatron = Path.of("src/test/resources/megatron").resolve(fixture);
    convert("megatron", "tanuki4j", megatron, ours(), "--target-pipeline-parallel-size", "4");
    Checkpoint checkpoint = new CheckpointStore(ours()).latest().orElseThrow();
    assertThat(checkpoint.state().iteration()).isEqualTo(7);
    assertThat(checkpoint.state().arguments()).containsEntry("pipeline_model_parallel_size", 4L);
    convert("mcore", "hf", megatron, folder.resolve("direct"), "--true-vocab-size", "63");
    convert("tanuki4j", "hf", ours(), back(), "--true-vocab-size", "63");
    assertThat(back().resolve("model.safetensors"))
        .hasSameBinaryContentAs(folder.resolve("direct/model.safetensors"));
  }

  @Test
  void rows_that_are_padding_are_cut_and_none_are_added() throws IOException {
    hfToOurs("--true-vocab-size", "500", "--make-vocab-size-divisible-by", "96");
    Checkpoint checkpoint = new CheckpointStore(ours()).latest().orElseThrow();
    assertThat(checkpoint.state().arguments()).containsEntry("padded_vocab_size", 500L);
    try (OpenShards shards = checkpoint.open(StateKind.MODEL)) {
      ShardedTensor embedding = tensor(shards.tensors(), "embedding.weight");
      assertThat(embedding.shape()).isEqualTo(Shape.of(500, 64));
      assertThat(floats(embedding, 499 * 64, 64)).doesNotContain(0f);
    }
    convert("tanuki4j", "hf", ours(), back());
    assertThat(json(back().resolve("config.json")).get("vocab_size").getAsInt()).isEqualTo(500);
  }

  @Test
  void bf16_rounds_every_weight() throws IOException {
    hfToOurs("--bf16");
    Checkpoint checkpoint = new CheckpointStore(ours()).latest().orElseThrow();
    assertThat(checkpoint.state().arguments()).containsEntry("bf16", true);
    try (OpenShards shards = checkpoint.open(StateKind.MODEL)) {
      assertThat(shards.tensors()).extracting(ShardedTensor::type).containsOnly(ElementType.BF16);
    }
    convert("tanuki4j", "hf", ours(), back());
    assertThat(json(back().resolve("config.json")).get("torch_dtype").getAsString())
        .isEqualTo("bfloat16");
  }

  @ParameterizedTest
  @ValueSource(strings = {"--fp16", "--save-dtype=float16"})
  void float16_is_written_and_kept(String flag) throws IOException {
    hfToOurs(flag);
    Checkpoint checkpoint = new CheckpointStore(ours()).latest().orElseThrow();
    assertThat(checkpoint.state().arguments())
        .containsEntry("fp16", true)
        .containsEntry("bf16", false);
    convert("tanuki4j", "hf", ours(), back());
    assertThat(json(back().resolve("config.json")).get("torch_dtype").getAsString())
        .isEqualTo("float16");
    try (HfFolder exact = HfFolder.open(GOLDEN);
        HfFolder half = HfFolder.open(back())) {
      ShardedTensor written = tensor(half.tensors(), "output.weight");
      assertThat(written.type()).isEqualTo(ElementType.F16);
      float[] found = floats(TensorViews.retyped(written, ElementType.F32), 0, 64);
      float[] rounded = floats(tensor(exact.tensors(), "output.weight"), 0, 64);
      for (int i = 0; i < rounded.length; i++) {
        rounded[i] = Float16.toFloat(Float16.fromFloat(rounded[i], DType.F16), DType.F16);
      }
      assertThat(found).isEqualTo(rounded);
    }
  }

  @Test
  void a_weight_beyond_float16_is_named() throws IOException {
    Path large = Files.createDirectory(folder.resolve("large"));
    Files.copy(GOLDEN.resolve("config.json"), large.resolve("config.json"));
    byte[] bytes = Files.readAllBytes(GOLDEN.resolve("model.safetensors"));
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, -65_520);
    Files.write(large.resolve("model.safetensors"), bytes);
    assertThatThrownBy(() -> convert("hf", "hf", large, back(), "--fp16"))
        .isInstanceOf(UserException.class)
        .hasMessageMatching(
            "[a-z0-9._]+: it has the number -65520\\.0 \\(expected for float16: 65504 at most, in"
                + " size\\)\\. Use bfloat16 or float32\\.");
    assertThat(back()).doesNotExist();
  }

  @Test
  void many_files_have_an_index() throws IOException {
    hfToOurs();
    convert("tanuki4j", "hf", ours(), back(), "--max-shard-size", "0.0002");
    JsonObject index = json(back().resolve("model.safetensors.index.json"));
    assertThat(index.getAsJsonObject("metadata").get("total_size").getAsLong()).isEqualTo(632_064);
    assertThat(index.getAsJsonObject("weight_map").get("lm_head.weight").getAsString())
        .isEqualTo("model-00004-of-00004.safetensors");
    Path again = folder.resolve("again");
    convert("hf", "hf", back(), again);
    assertThat(again.resolve("model.safetensors"))
        .hasSameBinaryContentAs(GOLDEN.resolve("model.safetensors"));
  }

  @Test
  void a_tokenizer_is_copied_with_its_special_tokens() throws IOException {
    widenVocabulary(8192);
    convert("hf", "tanuki4j", folder.resolve("wide"), ours(), "--true-vocab-size", "8010");
    convert(
        "tanuki4j",
        "hf",
        ours(),
        back(),
        "--tokenizer-model",
        TOKENIZER.toString(),
        "--tokenizer-type",
        "SentencePieceTokenizer",
        "--vocab-extra-ids",
        "2");
    assertThat(back().resolve("tokenizer.model")).hasSameBinaryContentAs(TOKENIZER);
    JsonObject config = json(back().resolve("tokenizer_config.json"));
    assertThat(config.get("tokenizer_class").getAsString()).isEqualTo("PreTrainedTokenizerFast");
    assertThat(config.get("eos_token").getAsString()).isEqualTo("<EOD>");
    assertThat(config.getAsJsonObject("added_tokens_decoder").keySet())
        .containsExactly("8000", "8001");
    JsonObject fast = json(back().resolve("tokenizer.json"));
    JsonObject unigram = fast.getAsJsonObject("model");
    assertThat(unigram.get("type").getAsString()).isEqualTo("Unigram");
    assertThat(unigram.get("byte_fallback").getAsBoolean()).isTrue();
    assertThat(unigram.getAsJsonArray("vocab")).hasSize(8000);
    assertThat(fast.getAsJsonArray("added_tokens"))
        .extracting(token -> token.getAsJsonObject().get("content").getAsString())
        .containsExactly(
            "<unk>",
            "<s>",
            "</s>",
            "<pad>",
            "<CLS>",
            "<SEP>",
            "<EOD>",
            "<MASK>",
            "<extra_id_0>",
            "<extra_id_1>");
    assertThat(json(back().resolve("special_tokens_map.json")).get("bos_token").getAsString())
        .isEqualTo("<s>");
    assertThat(json(back().resolve("config.json")).get("eos_token_id").getAsInt()).isEqualTo(6);
  }

  @Test
  void the_tokenizer_that_the_checkpoint_knows_is_written() throws IOException {
    widenVocabulary(8192);
    convert(
        "hf",
        "tanuki4j",
        folder.resolve("wide"),
        ours(),
        "--tokenizer-model",
        TOKENIZER.toString(),
        "--tokenizer-type",
        "SentencePieceTokenizer");
    assertThat(convert("tanuki4j", "hf", ours(), back())).contains("tokenizer written");
    assertThat(back().resolve("tokenizer.model")).hasSameBinaryContentAs(TOKENIZER);
    assertThat(json(back().resolve("config.json")).get("eos_token_id").getAsInt()).isEqualTo(6);
  }

  @Test
  void a_tokenizer_that_the_checkpoint_knows_and_that_is_gone_is_named() throws IOException {
    Path gone = Files.copy(TOKENIZER, folder.resolve("gone.model"));
    hfToOurs("--tokenizer-model", gone.toString(), "--tokenizer-type", "GPTSentencePieceTokenizer");
    Files.delete(gone);
    assertThatThrownBy(() -> convert("tanuki4j", "hf", ours(), back()))
        .hasMessage(
            "the checkpoint's tokenizer: "
                + gone
                + " (expected: a file that exists). Give it with --tokenizer-model.");
    assertThat(back()).doesNotExist();
  }

  @Test
  void specials_that_are_user_defined_pieces_are_written() throws IOException {
    widenVocabulary(1024);
    convert("hf", "tanuki4j", folder.resolve("wide"), ours());
    Path model = Path.of("src/test/resources/tokenizer/unigram_specials_user_defined.model");
    convert(
        "tanuki4j",
        "hf",
        ours(),
        back(),
        "--tokenizer-model",
        model.toString(),
        "--tokenizer-type",
        "SentencePieceTokenizer");
    JsonObject config = json(back().resolve("tokenizer_config.json"));
    assertThat(config.get("eos_token").getAsString()).isEqualTo("<EOD>");
    assertThat(config.getAsJsonObject("added_tokens_decoder").keySet()).hasSize(3);
  }

  @Test
  void a_hugging_face_folders_own_tokenizer_files_come_back_byte_by_byte() throws IOException {
    Path source = folder.resolve("source");
    Files.createDirectories(source);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(GOLDEN.resolve(name), source.resolve(name));
    }
    List<String> names =
        List.of("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "merges.txt");
    for (String name : names) {
      Files.writeString(source.resolve(name), "the content of " + name + "\r\n");
    }
    convert("hf", "tanuki4j", source, ours());
    Path again = folder.resolve("again");
    convert("tanuki4j", "tanuki4j", ours(), again);
    assertThat(convert("tanuki4j", "hf", again, back())).contains("tokenizer as it came");
    for (String name : names) {
      assertThat(back().resolve(name)).hasSameBinaryContentAs(source.resolve(name));
    }
  }

  @Test
  void a_hugging_face_folders_tokenizer_is_that_of_the_checkpoint() throws IOException {
    Path source = folder.resolve("source");
    Files.createDirectories(source);
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(GOLDEN.resolve(name), source.resolve(name));
    }
    Path tokenizer = Path.of("src/test/resources/tokenizer/bytes/hf");
    for (String name : List.of("tokenizer.json", "tokenizer_config.json")) {
      Files.copy(tokenizer.resolve(name), source.resolve(name));
    }
    convert("hf", "tanuki4j", source, ours());
    TokenizerConfig config =
        new SavedArguments(
                "ours", new CheckpointStore(ours()).latest().orElseThrow().state().arguments())
            .tokenizer(null);
    assertThat(config.type()).isEqualTo(TokenizerType.HUGGING_FACE);
    assertThat(config.model()).isEqualTo(ours().resolve("hf_tokenizer"));
    try (Tokenizer opened = Tokenizers.open(config)) {
      assertThat(opened.vocabSize()).isEqualTo(512);
    }
  }

  @Test
  void a_tokenizer_that_cannot_be_read_is_refused_at_once() throws IOException {
    Path json = Files.writeString(folder.resolve("tokenizer.json"), "{\"model\": 1}");
    assertThatThrownBy(() -> hfToOurs("--tokenizer-model", json.toString()))
        .hasMessageContaining(json + ": not a whole SentencePiece model (");
    assertThat(ours()).doesNotExist();
  }

  @Test
  void a_tokenizer_larger_than_the_model_is_refused() throws IOException {
    hfToOurs("--tokenizer-type", "Llama2Tokenizer");
    assertThatThrownBy(
            () ->
                convert(
                    "tanuki4j", "hf", ours(), back(), "--tokenizer-model", TOKENIZER.toString()))
        .hasMessageContaining(
            "has 8000 ids with Llama2Tokenizer (expected: at most the model's vocabulary of 512)");
    assertThat(back()).doesNotExist();
  }

  @Test
  void a_folder_with_checkpoints_is_not_converted_into() throws IOException {
    hfToOurs();
    assertThatThrownBy(this::hfToOurs)
        .hasMessageContaining("there are checkpoints already. Give another --save-dir");
  }

  @Test
  void checkpoints_that_no_tracker_names_are_not_replaced() throws IOException {
    Path run = trained();
    Files.delete(run.resolve("latest_checkpointed_iteration.txt"));
    assertThatThrownBy(() -> convert("tanuki4j", "tanuki4j", run, run, "--ckpt-step=7", "--bf16"))
        .isInstanceOf(UserException.class)
        .hasMessage(run + ": there are checkpoints already. Give another --save-dir.");
    assertThat(new CheckpointStore(run).at(7).has(StateKind.OPTIMIZER)).isTrue();
  }

  @Test
  void a_folder_that_is_not_empty_is_not_converted_into() throws IOException {
    hfToOurs();
    assertThatThrownBy(() -> convert("tanuki4j", "hf", ours(), ours()))
        .hasMessageContaining("it is not empty (expected: a new folder)");
  }

  @Test
  void a_folder_without_checkpoint_is_named() {
    assertThatThrownBy(() -> convert("tanuki4j", "hf", folder, back()))
        .hasMessage(
            folder
                + "/latest_checkpointed_iteration.txt: there is no such file, so no checkpoint."
                + " Check --load-dir.");
  }

  @Test
  void a_vocabulary_larger_than_the_model_is_refused() {
    assertThatThrownBy(() -> hfToOurs("--true-vocab-size", "513"))
        .hasMessage(
            "--true-vocab-size: 513 (expected: at most the 512 rows of the model in "
                + GOLDEN
                + ").");
  }

  @Test
  void all_wrong_flags_are_told_at_once() {
    assertThatThrownBy(() -> new CommandLine(new ConvertCommand()).parseArgs("--bf17"))
        .isInstanceOf(CommandLine.UnmatchedArgumentException.class);
    ConvertCommand command = new ConvertCommand();
    new CommandLine(command).parseArgs("--model-type", "BERT", "--fp16", "--bf16");
    assertThatThrownBy(command::call)
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("--loader: not given (expected: hf, megatron or tanuki4j).")
        .hasMessageContaining("--saver: not given")
        .hasMessageContaining("--load-dir: not given")
        .hasMessageContaining("--save-dir: not given")
        .hasMessageContaining("--model-type: BERT (expected: GPT).")
        .hasMessageContaining("--fp16: given with --bf16 (expected: one of them). Leave one out.");
  }

  @ParameterizedTest
  @CsvSource({
    "--saver,                         legacy,  megatron or tanuki4j",
    "--loader,                        gguf,    Choose one of them",
    "--checkpoint-type,               meta,    with transformers first",
    "--save-dtype,                    int8,    'one of bfloat16, float16, float32'",
    "--target-tensor-parallel-size,   0,       above 0",
    "--target-tensor-parallel-size,   3,       a divisor of the model's num-attention-heads 4",
    "--target-pipeline-parallel-size, 3,       a divisor of the model's num-layers 2). Use 1 or 2."
        + " Runs",
    "--true-vocab-size,               0,       above 0",
    "--max-shard-size,                0,       above 0",
    "--ckpt-step,                     0,       above 0",
  })
  void a_wrong_value_gets_its_sentence(String flag, String value, String sentence) {
    assertThatThrownBy(() -> hfToOurs(flag, value))
        .isInstanceOf(ConfigException.class)
        .hasMessageStartingWith(flag + ": " + value)
        .hasMessageContaining(sentence);
    assertThat(ours()).doesNotExist();
  }

  @Test
  void megatrons_command_line_is_accepted() throws IOException {
    convert(
        "llama_mistral",
        "tanuki4j",
        GOLDEN,
        ours(),
        "--model-type=GPT",
        "--model-size=llama3",
        "--checkpoint-type=hf",
        "--max-queue-size=10",
        "--loader-transformer-impl=transformer_engine",
        "--saver-transformer-impl=transformer_engine",
        "--target-tensor-parallel-size=1",
        "--no-checking");
    assertThat(new CheckpointStore(ours()).iterations()).containsExactly(1L);
  }

  /** The golden model with an embedding and a head of more rows. */
  private void widenVocabulary(int rows) throws IOException {
    try (HfFolder golden = HfFolder.open(GOLDEN)) {
      HfModel model = golden.model();
      HfModel wide = model.withTokenizer(rows, model.bosId(), model.eosIds(), model.padId());
      new HfWriter(folder.resolve("wide"), wide, Map.of(), Long.MAX_VALUE)
          .write(
              golden.tensors().stream()
                  .map(one -> one.shape().dim(0) == 512 ? TensorViews.withRows(one, rows) : one)
                  .toList());
    }
  }

  @Test
  void trained_padding_rows_stay_unless_the_user_says_where_they_begin() throws IOException {
    hfToOurs();
    convert("tanuki4j", "tanuki4j", ours(), folder.resolve("same"));
    Path file = Path.of("iter_0000001/model-rank00000.safetensors");
    assertThat(folder.resolve("same").resolve(file)).hasSameBinaryContentAs(ours().resolve(file));
  }

  /** The golden model as a run would save it at iteration 7, with one moment. */
  private Path trained() throws IOException {
    hfToOurs();
    Path run = folder.resolve("run");
    try (OpenShards shards = new CheckpointStore(ours()).at(1).open(StateKind.MODEL)) {
      List<ShardedTensor> model = shards.tensors();
      List<ShardedTensor> moments =
          model.stream().map(tensor -> tensor.renamed("exp_avg." + tensor.name())).toList();
      TrainState first = new CheckpointStore(ours()).at(1).state();
      TrainState state =
          new TrainState(
              7, 56, 8, 500, Map.of("step", 7L), Map.of("num_steps", 56L), first.arguments());
      new CheckpointStore(run).save(state, model, moments);
    }
    return run;
  }

  @Test
  void a_checkpoint_gets_the_shards_of_another_layout_and_keeps_its_state() throws IOException {
    Path run = trained();
    Path split = folder.resolve("split");
    String output =
        convert(
            "tanuki4j",
            "tanuki4j",
            run,
            split,
            "--target-tensor-parallel-size",
            "2",
            "--target-pipeline-parallel-size",
            "2");
    assertThat(output)
        .contains(
            " > 21 tensors, vocabulary of 500 in 512 rows, with optimizer state, shards of tp 2 x"
                + " pp 2: ");
    Checkpoint checkpoint = new CheckpointStore(split).latest().orElseThrow();
    TrainState state = checkpoint.state();
    assertThat(state.iteration()).isEqualTo(7);
    assertThat(state.consumedTrainSamples()).isEqualTo(56);
    assertThat(state.optimizer()).containsEntry("step", 7L);
    assertThat(state.schedule()).containsEntry("num_steps", 56L);
    assertThat(state.arguments())
        .containsEntry("tensor_model_parallel_size", 2L)
        .containsEntry("pipeline_model_parallel_size", 2L);
    assertThat(places(checkpoint, "layers.1.mlp.down.weight"))
        .containsExactly(
            "model-rank00002.safetensors layers.1.mlp.down.weight[0:64, 0:88]",
            "model-rank00003.safetensors layers.1.mlp.down.weight[0:64, 88:176]");
    assertThat(places(checkpoint, "layers.0.attention.k.weight"))
        .containsExactly(
            "model-rank00000.safetensors layers.0.attention.k.weight[0:16, 0:64]",
            "model-rank00001.safetensors layers.0.attention.k.weight[16:32, 0:64]");
    assertThat(places(checkpoint, "final_norm.weight")).hasSize(1);

    convert(
        "tanuki4j",
        "tanuki4j",
        split,
        back(),
        "--target-tensor-parallel-size=1",
        "--target-pipeline-parallel-size=1");
    for (String file : List.of("model-rank00000.safetensors", "optimizer-rank00000.safetensors")) {
      Path saved = Path.of("iter_0000007", file);
      assertThat(back().resolve(saved)).hasSameBinaryContentAs(run.resolve(saved));
    }
  }

  private static List<String> places(Checkpoint checkpoint, String tensor) {
    return checkpoint.contents(StateKind.MODEL).stream()
        .filter(stored -> stored.name().equals(tensor))
        .flatMap(
            stored ->
                stored.pieces().stream().map(piece -> piece.file() + " " + stored.entryName(piece)))
        .toList();
  }

  @Test
  void a_vocabulary_that_has_no_equal_shares_gets_unequal_ones() throws IOException {
    widenVocabulary(513);
    convert("hf", "tanuki4j", folder.resolve("wide"), ours(), "--target-tensor-parallel-size=2");
    assertThat(places(new CheckpointStore(ours()).at(1), "embedding.weight"))
        .containsExactly(
            "model-rank00000.safetensors embedding.weight[0:256, 0:64]",
            "model-rank00001.safetensors embedding.weight[256:513, 0:64]");
  }

  @Test
  void optimizer_state_is_left_out_where_asked_or_where_weights_change_their_type()
      throws IOException {
    Path run = trained();
    assertThat(convert("tanuki4j", "tanuki4j", run, ours().resolve("a"), "--no-load-optim"))
        .contains("no optimizer state");
    assertThat(convert("tanuki4j", "tanuki4j", run, ours().resolve("b"), "--bf16"))
        .contains("no optimizer state");
    Checkpoint checkpoint = new CheckpointStore(ours().resolve("b")).latest().orElseThrow();
    assertThat(checkpoint.has(StateKind.OPTIMIZER)).isFalse();
    assertThat(checkpoint.state().iteration()).isEqualTo(7);
  }

  @Test
  void a_hugging_face_folder_is_not_split() throws IOException {
    hfToOurs();
    assertThatThrownBy(
            () -> convert("tanuki4j", "hf", ours(), back(), "--target-tensor-parallel-size=2"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("A Hugging Face folder is not split by ranks");
  }

  @Test
  void inspect_tells_pieces() throws IOException {
    hfToOurs("--target-tensor-parallel-size=2");
    StringWriter output = new StringWriter();
    new CommandLine(new InspectCommand())
        .setOut(new PrintWriter(output))
        .execute(ours().toString(), "--pieces");
    assertThat(output.toString())
        .contains("21 tensors in 37 pieces in 2 files")
        .containsPattern("  layers.0.mlp.down.weight +F32 \\[64, 176\\]")
        .containsPattern("model-rank00001.safetensors +layers.0.mlp.down.weight\\[0:64, 88:176\\]");
  }

  private String hfToOurs(String... more) throws IOException {
    return convert("hf", "tanuki4j", GOLDEN, ours(), more);
  }

  private static String convert(String loader, String saver, Path from, Path to, String... more)
      throws IOException {
    ConvertCommand command = new ConvertCommand();
    StringWriter output = new StringWriter();
    CommandLine commandLine =
        new CommandLine(command).setOut(new PrintWriter(output)).setOverwrittenOptionsAllowed(true);
    Stream<String> words =
        Stream.of(
            "--loader",
            loader,
            "--saver",
            saver,
            "--load-dir",
            from.toString(),
            "--save-dir",
            to.toString());
    commandLine.parseArgs(Stream.concat(words, Stream.of(more)).toArray(String[]::new));
    assertThat(command.call()).isZero();
    return output.toString();
  }

  private Path ours() {
    return folder.resolve("ours");
  }

  private Path back() {
    return folder.resolve("back");
  }

  private static JsonObject json(Path file) throws IOException {
    return JsonParser.parseString(Files.readString(file)).getAsJsonObject();
  }

  private static ShardedTensor tensor(List<ShardedTensor> tensors, String name) {
    return tensors.stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
  }

  private static float[] floats(ShardedTensor tensor, long first, int count) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(count * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    tensor.content().read(first, bytes);
    float[] values = new float[count];
    bytes.flip().asFloatBuffer().get(values);
    return values;
  }
}
