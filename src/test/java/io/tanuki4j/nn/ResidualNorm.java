package io.tanuki4j.nn;

import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.tensor.Tensor;
import java.util.List;

/** {@code y = x + x}, {@code out = y + norm(y)}, in the way a block uses a norm. */
record ResidualNorm(Kernels kernels, Norm norm) implements Layer<Norm.Saved> {
  @Override
  public Norm.Saved forward(Tensor out, Tensor x, Microbatch microbatch) {
    Tensor sum = microbatch.scope().allocate(x.shape(), x.dtype());
    kernels.elementwise().copy(sum, x);
    Norm.Normed normed = norm.ofSum(sum, x, sum, microbatch);
    kernels.elementwise().add(out, normed.write(microbatch.scope()), sum);
    return normed.saved();
  }

  @Override
  public void backward(Tensor dx, Norm.Saved saved, Tensor dOut, Microbatch microbatch) {
    norm.addBackward(dx, saved, dOut, dOut, microbatch);
    kernels.elementwise().add(dx, dx, dx);
  }

  @Override
  public List<Parameter> parameters() {
    return norm.parameters();
  }
}
