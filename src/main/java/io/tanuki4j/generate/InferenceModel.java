package io.tanuki4j.generate;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.generate.TextGenerator.NextToken;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.model.GptChunk;
import io.tanuki4j.model.ModelConfig;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.run.MemoryPlan;
import io.tanuki4j.run.RankModel;
import io.tanuki4j.run.RankModel.PlanRequest;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import io.tanuki4j.tokenizer.Tokenizer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;

/** A checkpoint's model in memory, to be asked for the token after a text. */
public final class InferenceModel implements NextToken, AutoCloseable {
  private final Device device;
  private final ModelConfig config;
  private final MemoryScope scope;
  private final GptChunk chunk;
  private final Tensor logits;
  private final ByteBuffer host;

  public InferenceModel(
      Device device, Checkpoint checkpoint, ModelConfig config, Tokenizer tokenizer) {
    this.device = device;
    this.config = config;
    this.scope = device.openScope("model");
    RankModel model =
        RankModel.build(
            PlanRequest.whole(config),
            MemoryPlan.NONE,
            ParallelContext.single(device),
            device,
            scope);
    checkpoint.load(
        device, StateKind.MODEL, ShardedTensor.ofValues(model.parameters()), tokenizer.vocabSize());
    this.chunk = model.builder().build();
    this.logits = scope.allocate(Shape.of(1, config.sizes().vocabSize()), DType.F32);
    this.host = direct(Math.toIntExact(logits.numBytes()));
  }

  @Override
  public int maxTokens() {
    return config.sizes().seqLength();
  }

  @Override
  public FloatBuffer next(int[] tokens) {
    ByteBuffer ids = direct(tokens.length * Integer.BYTES);
    ids.asIntBuffer().put(tokens);
    try (MemoryScope scratch = scope.child("prompt")) {
      Tensor prompt = scratch.allocate(Shape.of(tokens.length, 1), DType.I32);
      device.upload(prompt, ids);
      chunk.logits(logits, prompt, tokens.length - 1, scratch);
    }
    device.download(host.clear(), logits);
    return host.clear().asFloatBuffer();
  }

  private static ByteBuffer direct(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Override
  public void close() {
    scope.close();
  }
}
