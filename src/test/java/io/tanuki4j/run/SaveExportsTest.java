package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.config.ConfigException;
import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.HuggingFaceFormat;
import io.tanuki4j.convert.MegatronFormat;
import io.tanuki4j.convert.OwnFormat;
import io.tanuki4j.convert.TensorComparison;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SaveExportsTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"--async-save --most-recent-k 1", "--ckpt-format torch_dist"})
  void a_run_leaves_the_folders_that_it_was_asked_for(String more) throws IOException {
    Path save = folder.resolve("save");
    TinyLlama.Output output =
        TinyLlama.run(
            TinyLlama.words(
                TinyLlama.GOLDEN,
                folder.resolve("cache"),
                "--global-batch-size 2 --train-iters 4 --lr-decay-iters 4",
                "--save %s --save-interval 2 --save-hf-interval 4".formatted(save),
                "--save-megatron-interval 2",
                "--distributed-backend local --local-ranks 2 --tensor-model-parallel-size 2",
                more));
    Path exported = save.resolve("hf/iter_0000004");
    assertThat(output.text()).contains("  wrote iteration 4 to " + exported);
    assertThat(exported.resolveSibling("iter_0000002")).doesNotExist();
    assertSame(save, 4);
    try (ConversionSource megatron = MegatronFormat.open(save.resolve("megatron"), null, null)) {
      assertThat(megatron.state().iteration()).isEqualTo(4);
      assertThat(save.resolve("megatron/iter_0000002/mp_rank_01")).exists();
    }
  }

  @Test
  void an_export_follows_the_checkpoint_of_its_iteration() throws IOException {
    train("--lr 3e-3 --save-hf-interval 2 --save-megatron-interval 2");
    String output = train("--lr 3e-2 --save-hf-interval 4 --save-megatron-interval 2");
    Path save = folder.resolve("save");
    assertThat(output)
        .contains("  wrote iteration 4 to " + save.resolve("hf/iter_0000004"))
        .contains("  wrote iteration 4 to " + save.resolve("megatron/iter_0000004"))
        .contains(
            "WARNING: %s was made of an earlier checkpoint of iteration 2, which has been replaced."
                .formatted(save.resolve("hf/iter_0000002")));
    assertSame(save, 4);
    assertThat(save.resolve("hf")).isDirectoryNotContaining("glob:**.removed");
    assertThat(save.resolve("megatron")).isDirectoryNotContaining("glob:**.removed");
  }

  @Test
  void a_start_removes_what_a_killed_run_left_and_names_what_it_did_not_write() throws IOException {
    Path save = folder.resolve("save");
    String exports = "--save-hf-interval 2 --save-megatron-interval 4 --load " + save;
    assertThat(train(exports)).doesNotContain("To write one");
    assertThat(train(exports)).doesNotContain("To write one", "WARNING");
    Files.move(save.resolve("hf/iter_0000004"), save.resolve("hf/iter_0000004.saving"));
    Files.setLastModifiedTime(save.resolve("hf/iter_0000002"), FileTime.fromMillis(0));
    Files.createDirectory(save.resolve("megatron/iter_0000002.removed"));
    String output = train(exports);
    assertThat(output)
        .contains(
            "removed %s/hf/iter_0000004.saving, which a killed run had begun to write"
                .formatted(save))
        .contains(
            "iterations whose checkpoint is not in %s/hf, or only an older one: 2, 4. To write one: "
                    .formatted(save)
                + "tanuki4j convert --loader tanuki4j --saver hf --load-dir %s --ckpt-step 4"
                    .formatted(save)
                + " --save-dir %s/hf/iter_0000004".formatted(save))
        .doesNotContain("not in %s/megatron".formatted(save));
    assertThat(save.resolve("hf/iter_0000004.saving")).doesNotExist();
    assertThat(save.resolve("megatron/iter_0000002.removed")).doesNotExist();
  }

  @Test
  void a_disk_that_refuses_an_export_is_a_warning_with_the_command() throws IOException {
    Path save = folder.resolve("save");
    Files.createFile(Files.createDirectory(save).resolve("megatron"));
    assertThat(train("--save-megatron-interval 4"))
        .contains(
            "WARNING: iteration 4 was not written to %s/megatron: %s/megatron: it exists already."
                    .formatted(save, save)
                + " To write it later: tanuki4j convert --loader tanuki4j --saver megatron"
                + " --load-dir %s --ckpt-step 4 --save-dir NEW_FOLDER".formatted(save));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--normalization LayerNorm", "--rotary-percent 0.5"})
  void a_model_that_hugging_face_does_not_have_is_refused_at_the_start(String other) {
    assertThatThrownBy(() -> train("--save-hf-interval 2 " + other))
        .isInstanceOf(ConfigException.class)
        .hasMessage(
            "--save-hf-interval: 2 (expected: only with the layers of Hugging Face's Llama, Qwen2 or"
                + " Qwen3: RMSNorm, --swiglu, rotary positions of whole heads). Leave it out, or"
                + " write --save-megatron-interval instead.");
    assertThat(folder.resolve("save")).doesNotExist();
  }

  /** Trains four iterations and saves every second. */
  private String train(String more) {
    return TinyLlama.run(
            TinyLlama.words(
                TinyLlama.GOLDEN,
                folder.resolve("cache"),
                "--global-batch-size 2 --train-iters 4 --lr-decay-iters 4",
                "--save %s --save-interval 2".formatted(folder.resolve("save")),
                more))
        .text();
  }

  private static void assertSame(Path save, int iteration) throws IOException {
    Path exported = save.resolve("hf/iter_%07d".formatted(iteration));
    try (ConversionSource own =
            OwnFormat.open(new CheckpointStore(save).at(iteration), null, false);
        ConversionSource huggingFace = HuggingFaceFormat.open(exported, null);
        ConversionSource megatron =
            MegatronFormat.open(save.resolve("megatron"), iteration, null)) {
      TensorComparison.requireEqual(own.tensors(), huggingFace.tensors());
      TensorComparison.requireEqual(own.tensors(), megatron.tensors());
    }
  }
}
