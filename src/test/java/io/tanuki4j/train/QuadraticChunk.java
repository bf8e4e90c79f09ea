package io.tanuki4j.train;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.HostValues;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.ParameterSpec;
import io.tanuki4j.parallel.pipeline.ModelChunk;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A model small enough to work out by hand: the loss of a token is {@code (weight[token] − target)²
 * / 2}, and its z-loss term is 1. Everything is computed on the host.
 */
final class QuadraticChunk implements ModelChunk<QuadraticChunk.Saved> {
  static final int NUM_WEIGHTS = 4;
  static final List<ParameterSpec> SPECS =
      List.of(ParameterSpec.whole("weight", Shape.of(NUM_WEIGHTS, 1), 0.02, true));

  private final Device device;
  private final Parameter weight;

  QuadraticChunk(Device device, ParameterBuffers parameters) {
    this.device = device;
    this.weight = parameters.get("weight");
  }

  /**
   * @param errors weight minus target for each token, times its mask
   */
  record Saved(double[] tokens, double[] errors) {}

  @Override
  public ChunkForward<Saved> forward(@Nullable Tensor hidden, Microbatch microbatch) {
    microbatch.scope().allocate(Shape.of(7), weight.value().dtype());
    double[] weights = download(device, weight.value());
    double[] tokens = download(device, microbatch.tokens());
    double[] targets = download(device, microbatch.targets());
    double[] mask = download(device, microbatch.lossMask());
    double[] sums = download(device, microbatch.lossSums());
    double[] errors = new double[tokens.length];
    for (int i = 0; i < tokens.length; i++) {
      double error = weights[(int) tokens[i]] - targets[i];
      errors[i] = error * mask[i];
      sums[LossKernels.CROSS_ENTROPY] += mask[i] * error * error / 2;
      sums[LossKernels.Z_LOSS] += mask[i];
    }
    upload(device, microbatch.lossSums(), sums);
    return new ChunkForward<>(null, new Saved(tokens, errors));
  }

  @Override
  public @Nullable Tensor backward(Saved saved, @Nullable Tensor dHidden, Microbatch microbatch) {
    double scale = download(device, microbatch.gradScale())[0];
    double[] grads = download(device, weight.grad());
    if (microbatch.weightGrads() == Accumulate.OVERWRITE) {
      Arrays.fill(grads, 0);
    }
    for (int i = 0; i < saved.tokens.length; i++) {
      grads[(int) saved.tokens[i]] += scale * saved.errors[i];
    }
    upload(device, weight.grad(), grads);
    return null;
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight);
  }

  static double[] download(Device device, Tensor tensor) {
    ByteBuffer bytes =
        ByteBuffer.allocateDirect((int) tensor.numBytes()).order(ByteOrder.LITTLE_ENDIAN);
    device.download(bytes, tensor);
    return HostValues.decode(bytes.rewind(), tensor.dtype());
  }

  static void upload(Device device, Tensor tensor, double... values) {
    device.upload(tensor, HostValues.encode(values, tensor.dtype()));
  }
}
