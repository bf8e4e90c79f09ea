package io.tanuki4j.nn;

import io.tanuki4j.kernel.Fp8Kernels.Target;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** RMSNorm (Zhang and Sennrich, 2019). Its statistics are {@code [t]}. */
public final class RmsNorm extends Norm {
  private final Parameter weight;
  private final double epsilon;

  public RmsNorm(Kernels kernels, Parameter weight, double epsilon) {
    super(kernels);
    this.weight = weight;
    this.epsilon = epsilon;
  }

  @Override
  Shape statistics(long numTokens) {
    return Shape.of(numTokens);
  }

  @Override
  void normalize(Tensor out, Saved saved) {
    kernels().norm().rmsNormForward(out, saved.statistics(), saved.x(), weight.value(), epsilon);
  }

  @Override
  void normalizeSum(Tensor out, Saved saved, Terms terms) {
    Tensor gain = weight.value();
    kernels()
        .norm()
        .addRmsNormForward(
            saved.x(), out, saved.statistics(), terms.x(), terms.delta(), gain, epsilon);
  }

  @Override
  void quantize(Target out, Saved saved, MemoryScope scratch) {
    kernels().fp8().quantizeRmsNorm(out, saved.statistics(), saved.x(), weight.value(), epsilon);
  }

  @Override
  void quantizeSum(Target out, Saved saved, Terms terms, MemoryScope scratch) {
    Tensor gain = weight.value();
    kernels()
        .fp8()
        .quantizeAddRmsNorm(
            out, saved.x(), saved.statistics(), terms.x(), terms.delta(), gain, epsilon);
  }

  @Override
  void backward(
      Tensor dx, Saved saved, Tensor dOut, @Nullable Tensor residual, Microbatch microbatch) {
    microbatch.begin(weight.grad(), kernels());
    Tensor gain = weight.value();
    kernels()
        .norm()
        .rmsNormBackward(dx, weight.grad(), dOut, saved.x(), saved.statistics(), gain, residual);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight);
  }
}
