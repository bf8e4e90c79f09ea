package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.HuggingFaceFormat;
import io.tanuki4j.convert.MegatronFormat;
import io.tanuki4j.convert.OwnFormat;
import io.tanuki4j.convert.TensorComparison;
import java.io.IOException;
import java.nio.file.Path;
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
