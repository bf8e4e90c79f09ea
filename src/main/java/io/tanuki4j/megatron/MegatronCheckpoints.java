package io.tanuki4j.megatron;

import io.tanuki4j.checkpoint.ForeignCheckpoints;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.model.MegatronArguments;
import io.tanuki4j.model.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Checkpoints of Megatron-LM that runs start from, in the formats torch and torch_dist. */
public final class MegatronCheckpoints implements ForeignCheckpoints {
  @Override
  public boolean recognises(Path checkpoint) throws IOException {
    return MegatronFolder.isCheckpoint(checkpoint);
  }

  @Override
  public Content open(Path checkpoint, StateKind kind) throws IOException {
    MegatronFolder opened = MegatronFolder.open(checkpoint, null, kind == StateKind.OPTIMIZER);
    try {
      return new Content(
          opened.state(),
          tensors(opened, kind),
          opened.whyNoOptimizer(),
          opened.checks(kind),
          opened);
    } catch (IOException | RuntimeException e) {
      opened.close();
      throw e;
    }
  }

  private static List<ShardedTensor> tensors(MegatronFolder opened, StateKind kind)
      throws IOException {
    ModelConfig model =
        new MegatronArguments(opened.folder().toString(), opened.arguments())
            .model(opened.vocabularyRows());
    return switch (kind) {
      case MODEL -> opened.tensors(model);
      case OPTIMIZER -> opened.optimizerTensors(model);
      case FP8 -> List.of();
    };
  }
}
