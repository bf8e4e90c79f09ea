package io.tanuki4j.parallel.pipeline;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.SoloGroup;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.nn.IterationState;
import io.tanuki4j.nn.Samples;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import java.util.List;

/**
 * One rank's part of a pipeline.
 *
 * @param chunks of this stage, in the order of the model
 * @param group its stages, in order
 * @param hiddenShape of the hidden states that pass from stage to stage, this rank's part of {@code
 *     [s, b, h]}
 * @param hiddenType their type
 * @param tied parameters that another stage has too
 * @param state what its layers keep in addition to their parameters
 * @param samples what its layers need to know of samples, beyond their tokens
 * @param <S> what the chunks' forward saves for their backward
 */
public record PipelineStage<S>(
    List<ModelChunk<S>> chunks,
    ProcessGroup group,
    Shape hiddenShape,
    DType hiddenType,
    TiedParameters tied,
    IterationState state,
    Samples.Kinds samples) {
  /** Makes a stage without a state, whose layers need tokens only. */
  public PipelineStage(
      List<ModelChunk<S>> chunks,
      ProcessGroup group,
      Shape hiddenShape,
      DType hiddenType,
      TiedParameters tied) {
    this(chunks, group, hiddenShape, hiddenType, tied, IterationState.NONE, Samples.Kinds.NONE);
  }

  /**
   * @throws IllegalArgumentException if there is no chunk
   */
  public PipelineStage {
    chunks = List.copyOf(chunks);
    if (chunks.isEmpty()) {
      throw new IllegalArgumentException("no chunk on a stage (expected: one or more)");
    }
  }

  /** Returns a pipeline of one stage: the whole model, which exchanges no hidden states. */
  public static <S> PipelineStage<S> whole(ModelChunk<S> model, Device device) {
    ProcessGroup alone = new SoloGroup("pp", 0, device);
    return new PipelineStage<>(
        List.of(model), alone, Shape.of(0), DType.F32, new TiedParameters(List.of(), alone));
  }

  /** Returns the shape of the pipeline that this stage belongs to. */
  public PipelineShape shape(int numMicrobatches) {
    return new PipelineShape(group.size(), chunks.size(), numMicrobatches);
  }
}
