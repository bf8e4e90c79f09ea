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
    try (ConversionSource own = OwnFormat.open(new CheckpointStore(save).at(4), null, false);
        ConversionSource huggingFace = HuggingFaceFormat.open(exported, null);
        ConversionSource megatron = MegatronFormat.open(save.resolve("megatron"), null, null)) {
      TensorComparison.requireEqual(own.tensors(), huggingFace.tensors());
      TensorComparison.requireEqual(own.tensors(), megatron.tensors());
      assertThat(megatron.state().iteration()).isEqualTo(4);
      assertThat(save.resolve("megatron/iter_0000002/mp_rank_01")).exists();
    }
  }
}
