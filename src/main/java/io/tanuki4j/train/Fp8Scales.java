package io.tanuki4j.train;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.error.UserException;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The scales of numbers of eight bits as tensors of a checkpoint, the same at every layout. */
public final class Fp8Scales {
  private Fp8Scales() {}

  /** Returns them under names of their own, three tensors for each weight. */
  static List<ShardedTensor> tensors(List<Fp8State.Saved> states) {
    List<ShardedTensor> tensors = new ArrayList<>();
    for (Fp8State.Saved state : states) {
      tensors.add(whole("scale." + state.weight(), state.scale()));
      tensors.add(whole("scale_inv." + state.weight(), state.inverse()));
      tensors.add(whole("amax_history." + state.weight(), state.history()));
    }
    return tensors;
  }

  private static ShardedTensor whole(String name, Tensor tensor) {
    return new ShardedTensor(name, tensor.shape(), 0, 0, tensor);
  }

  /**
   * Takes those of a checkpoint, if it has some; otherwise they start anew.
   *
   * @param fp8 null where there are none
   * @return whether none are missing
   * @throws UserException if they do not fit
   */
  public static boolean load(
      @Nullable Fp8State fp8, Checkpoint checkpoint, Device device, int vocabSize) {
    if (fp8 == null || !fp8.remembers()) {
      return true;
    }
    if (!checkpoint.has(StateKind.FP8)) {
      return false;
    }
    checkpoint.load(device, StateKind.FP8, tensors(fp8.places()), vocabSize);
    fp8.restored();
    return true;
  }
}
