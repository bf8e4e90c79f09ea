package io.tanuki4j.model;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.kernel.ActivationKernels.Function;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.model.ModelConfig.Biases;
import io.tanuki4j.nn.Activation;
import io.tanuki4j.nn.BiasedProjection;
import io.tanuki4j.nn.LayerNorm;
import io.tanuki4j.nn.Norm;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.ParameterBuffers;
import io.tanuki4j.nn.PointwiseActivation;
import io.tanuki4j.nn.Projection;
import io.tanuki4j.nn.QueryKeyNorm;
import io.tanuki4j.nn.RmsNorm;
import io.tanuki4j.nn.SwiGlu;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.parallel.tensor.ColumnParallelLinear;
import io.tanuki4j.parallel.tensor.Fp8Projection;
import io.tanuki4j.parallel.tensor.RowParallelLinear;
import io.tanuki4j.parallel.tensor.TensorRegion;
import org.jspecify.annotations.Nullable;

/**
 * Makes the parts of a model's layers from their parameters' names.
 *
 * @param fp8 the scales of layers that multiply in FP8; null if none does
 * @param scope memory for what the layers keep as long as the model is used
 */
record LayerFactory(
    ModelConfig config,
    Kernels kernels,
    ParameterBuffers parameters,
    TensorRegion region,
    @Nullable Fp8State fp8,
    MemoryScope scope) {

  QueryKeyNorm queryKeyNorm(String prefix) {
    return new QueryKeyNorm(
        kernels.elementwise(),
        norm(prefix + ModelParameters.Q_NORM),
        norm(prefix + ModelParameters.K_NORM));
  }

  Norm norm(String name) {
    Parameter weight = parameters.get(name);
    double epsilon = config.layers().normEpsilon();
    return switch (config.layers().norm()) {
      case RMS_NORM -> new RmsNorm(kernels, weight, epsilon);
      case LAYER_NORM -> new LayerNorm(kernels, weight, bias(name), epsilon);
    };
  }

  Activation activation() {
    return switch (config.layers().activation()) {
      case SWIGLU -> new SwiGlu(kernels);
      case GELU -> new PointwiseActivation(kernels, Function.GELU);
      case GELU_TANH -> new PointwiseActivation(kernels, Function.GELU_TANH);
      case SQUARED_RELU -> new PointwiseActivation(kernels, Function.SQUARED_RELU);
    };
  }

  private Parameter bias(String weight) {
    return parameters.get(ModelParameters.bias(weight));
  }

  private boolean hasAllBiases() {
    return config.layers().biases() == Biases.ALL;
  }

  Projection intoRegion(String name, boolean withBias) {
    Parameter weight = parameters.get(name);
    Projection product =
        inEightBits(weight)
            ? new Fp8Projection(kernels, weight, requireNonNull(fp8), region, true, scope)
            : Projection.of(
                new ColumnParallelLinear(kernels.matmul(), weight, region), weight.value().dim(0));
    return withBias ? new BiasedProjection(kernels, product, bias(name)) : product;
  }

  Projection outOfRegion(String name) {
    Parameter weight = parameters.get(name);
    Projection product =
        inEightBits(weight)
            ? new Fp8Projection(kernels, weight, requireNonNull(fp8), region, false, scope)
            : Projection.of(
                new RowParallelLinear(kernels.matmul(), weight, region), weight.value().dim(0));
    return hasAllBiases() ? new BiasedProjection(kernels, product, bias(name)) : product;
  }

  private boolean inEightBits(Parameter weight) {
    return fp8 != null
        && fp8.config().covers(ModelParameters.layerOf(weight.name()), config.sizes().numLayers());
  }
}
