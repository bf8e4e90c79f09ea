package io.tanuki4j.parallel.tensor;

import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Fp8Kernels.Operand;
import io.tanuki4j.kernel.Fp8Kernels.Sums;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Factor;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.Projection;
import io.tanuki4j.nn.fp8.Fp8State;
import io.tanuki4j.nn.fp8.Fp8State.Role;
import io.tanuki4j.nn.fp8.Scaling;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer into a region or out of it ({@link ColumnParallelLinear}, {@link
 * RowParallelLinear}) whose products are of numbers of eight bits. A product sums along the last
 * dim of both operands, so the gradient of the input needs the weight transposed, and the gradient
 * of the weight needs input and gradient transposed. The input is saved in eight bits: transposed,
 * or, where a shard of the sequence is gathered again, as it is. What is gathered is of eight bits,
 * too. If the gradients of weights are to be products of BF16, input and gradient are kept in BF16
 * for them.
 */
public final class Fp8Projection implements Projection {
  private final Kernels kernels;
  private final Parameter weight;
  private final Fp8State state;
  private final TensorRegion region;
  private final boolean entersRegion;
  private final boolean wideWeightGradients;
  private final Tensor weightRows;
  private final Tensor weightColumns;

  /**
   * @param weight this rank's rows or columns of {@code [out, in]}
   * @param entersRegion whether the layer leads into the region, by rows of the weight, or out
   * @param scope memory of the weight in eight bits, for as long as the layer is used
   */
  public Fp8Projection(
      Kernels kernels,
      Parameter weight,
      Fp8State state,
      TensorRegion region,
      boolean entersRegion,
      MemoryScope scope) {
    this.kernels = kernels;
    this.weight = weight;
    this.state = state;
    this.region = region;
    this.entersRegion = entersRegion;
    this.wideWeightGradients = state.config().wideWeightGradients();
    long out = weight.value().dim(0);
    long in = weight.value().dim(1);
    this.weightRows = state.weightRows(weight, scope);
    this.weightColumns = scope.allocate(Shape.of(in, out), DType.F8_E4M3);
  }

  @Override
  public long outSize() {
    return weight.value().dim(0);
  }

  @Override
  public List<Parameter> parameters() {
    return List.of(weight);
  }

  @Override
  public SavedInput forward(Tensor out, Factor x, Microbatch microbatch) {
    if (microbatch.isFirst()) {
      quantizeWeight(microbatch);
    }
    Kept kept = keep(x, microbatch);
    Scaling scaling = kept.scaling();
    try (MemoryScope scratch = microbatch.scope().child("input of eight bits")) {
      Tensor rows = kept.rows() == null ? eight(x.shape(), scaling, scratch) : kept.rows();
      state.quantize(kept.source(), rows, kept.columns(), scaling, scratch);
      Tensor inverse = scaling.inverse();
      if (entersRegion) {
        region.enter(
            region.whole(rows, scratch),
            rows,
            (part, from, to) -> multiplyForward(out.rows(from, to), new Operand(part, inverse)));
      } else {
        region.leave(
            out,
            scratch,
            (part, from, to) -> multiplyForward(part, new Operand(rows.rows(from, to), inverse)));
      }
    }
    return kept.saved();
  }

  private void multiplyForward(Tensor out, Operand x) {
    multiply(out, x, weight(weightRows), Sums.FAST);
  }

  @Override
  public SavedInput save(Factor x, Microbatch microbatch) {
    Kept kept = keep(x, microbatch);
    if (!wideWeightGradients) {
      try (MemoryScope scratch = microbatch.scope().child("input in the model's type")) {
        state.quantize(kept.source(), kept.rows(), kept.columns(), kept.scaling(), scratch);
      }
    }
    return kept.saved();
  }

  /**
   * Casts the weight: once an iteration, since the optimizer has changed it, and to evaluate. Where
   * it has been gathered in FP8, only its transpose is missing.
   */
  private void quantizeWeight(Microbatch microbatch) {
    if (state.weightsAreCast()) {
      kernels.fp8().transpose(weightColumns, weightRows);
      return;
    }
    try (MemoryScope scratch = microbatch.scope().child("scale of a weight")) {
      Scaling scaling = state.scaling(weight, Role.WEIGHT, microbatch.withScope(scratch));
      Factor values = Factor.of(weight.value(), kernels.fp8());
      state.quantize(values, weightRows, weightColumns, scaling, scratch);
    }
  }

  /**
   * The part of the input that stays until the backward.
   *
   * @param source the input before it is quantized
   * @param rows in eight bits; null if they do not stay
   * @param columns in eight bits; null if they do not stay
   */
  private record Kept(
      Factor source,
      @Nullable Tensor rows,
      @Nullable Tensor columns,
      Scaling scaling,
      SavedInput saved) {}

  private Kept keep(Factor x, Microbatch microbatch) {
    MemoryScope scope = microbatch.scope();
    if (wideWeightGradients) {
      Tensor values = x.write(scope);
      Scaling scaling = state.scaling(weight, Role.INPUT, microbatch);
      SavedInput saved = new SavedInput(values, /* inverse= */ null);
      return new Kept(Factor.of(values, kernels.fp8()), null, null, scaling, saved);
    }
    Scaling scaling = state.scaling(weight, Role.INPUT, microbatch);
    boolean asIs = gathersInput() || !microbatch.training();
    Tensor values = eight(asIs ? x.shape() : transposed(x.shape()), scaling, scope);
    SavedInput saved = new SavedInput(values, scaling.inverse());
    return new Kept(x, asIs ? values : null, asIs ? null : values, scaling, saved);
  }

  /**
   * Gathers the input while dX's product runs, and sums dX while dW's product runs. The halves of a
   * split backward both cast the gradient, which stays as it was.
   */
  @Override
  public void backward(Tensor dx, SavedInput x, Factor dOut, Microbatch microbatch) {
    if (microbatch.isSplit()) {
      Factor written = Factor.of(dOut.write(microbatch.scope()), kernels.fp8());
      firstHalf(dx, written, microbatch);
      microbatch.forWeights(later -> secondHalf(x, written, later));
      return;
    }
    Scaling scaling = state.scaling(weight, Role.GRADIENT, microbatch);
    try (MemoryScope scratch = microbatch.scope().child("gradient of eight bits")) {
      Tensor wholeX = gathersInput() ? region.whole(x.values(), scratch) : x.values();
      Tensor wholeDx = entersRegion ? region.whole(dx, scratch) : dx;
      Gradient own = gradient(dOut, scaling, scratch);
      Work gathered = gathersInput() ? region.gather(wholeX, x.values()) : Work.DONE;
      Gradient gradient = inputGradient(wholeDx, own, scaling, scratch);
      Work summed = entersRegion ? region.sum(dx, wholeDx, scratch) : Work.DONE;
      gathered.await();
      weightGradient(gradient, new SavedInput(wholeX, x.inverse()), scaling, microbatch, scratch);
      summed.await();
    }
  }

  private void firstHalf(Tensor dx, Factor dOut, Microbatch microbatch) {
    Scaling scaling = state.scaling(weight, Role.GRADIENT, microbatch);
    try (MemoryScope scratch = microbatch.scope().child("gradient of eight bits")) {
      Tensor wholeDx = entersRegion ? region.whole(dx, scratch) : dx;
      Tensor rows = eight(dOut.shape(), scaling, scratch);
      state.quantize(dOut, rows, /* columns= */ null, scaling, scratch);
      inputGradient(wholeDx, new Gradient(null, rows, null), scaling, scratch);
      if (entersRegion) {
        region.sum(dx, wholeDx, scratch).await();
      }
    }
  }

  private void secondHalf(SavedInput x, Factor dOut, Microbatch microbatch) {
    try (MemoryScope scratch = microbatch.scope().child("gradient of eight bits")) {
      Scaling scaling =
          state.scaling(weight, Role.GRADIENT, microbatch.withScope(scratch)).counted();
      Gradient gradient = whole(gradient(dOut, scaling, scratch), scratch);
      Tensor wholeX = gathersInput() ? gathered(x.values(), scratch) : x.values();
      weightGradient(gradient, new SavedInput(wholeX, x.inverse()), scaling, microbatch, scratch);
    }
  }

  /**
   * The gradient of the output, of this rank's tokens or of the whole sequence.
   *
   * @param wide in BF16; null if the weight's gradient is made of eight bits
   * @param rows of eight bits
   * @param columns of eight bits; null until they are made of the gathered rows
   */
  private record Gradient(@Nullable Tensor wide, Tensor rows, @Nullable Tensor columns) {}

  /** Returns what the product for the weight needs of the whole sequence. */
  private Gradient whole(Gradient own, MemoryScope scratch) {
    if (!gathersGradient()) {
      return own;
    }
    return own.wide() == null
        ? new Gradient(null, gathered(own.rows(), scratch), null)
        : new Gradient(gathered(own.wide(), scratch), own.rows(), null);
  }

  private Tensor gathered(Tensor shard, MemoryScope scratch) {
    Tensor whole = region.whole(shard, scratch);
    region.gather(whole, shard).await();
    return whole;
  }

  /** Overwrites dx; returns the gradient of the output of the whole sequence. */
  private Gradient inputGradient(Tensor dx, Gradient own, Scaling scaling, MemoryScope scratch) {
    if (!gathersGradient()) {
      multiplyBackward(dx, new Operand(own.rows(), scaling.inverse()));
      return own;
    }
    Tensor ownWide = own.wide();
    Tensor wide = ownWide == null ? null : region.whole(ownWide, scratch);
    Tensor rows = region.whole(own.rows(), scratch);
    Work wideGathered = ownWide == null || wide == null ? Work.DONE : region.gather(wide, ownWide);
    region.enterAndFill(
        rows,
        own.rows(),
        (part, from, to) ->
            multiplyBackward(dx.rows(from, to), new Operand(part, scaling.inverse())));
    wideGathered.await();
    return new Gradient(wide, rows, null);
  }

  private void multiplyBackward(Tensor dx, Operand dOut) {
    multiply(dx, dOut, weight(weightColumns), Sums.SPLIT);
  }

  /** Writes what this rank has of the output's gradient. */
  private Gradient gradient(Factor dOut, Scaling scaling, MemoryScope scratch) {
    Tensor wide = wideWeightGradients ? dOut.write(scratch) : null;
    Factor source = wide == null ? dOut : Factor.of(wide, kernels.fp8());
    Tensor rows = eight(dOut.shape(), scaling, scratch);
    boolean transposes = wide == null && !gathersGradient();
    Tensor columns = transposes ? eight(transposed(dOut.shape()), scaling, scratch) : null;
    state.quantize(source, rows, columns, scaling, scratch);
    return new Gradient(wide, rows, columns);
  }

  private void weightGradient(
      Gradient gradient,
      SavedInput x,
      Scaling scaling,
      Microbatch microbatch,
      MemoryScope scratch) {
    Accumulate accumulate = microbatch.weightGrads();
    if (gradient.wide() != null) {
      kernels
          .matmul()
          .matmul(weight.grad(), gradient.wide(), Op.TRANSPOSE, x.values(), Op.NONE, accumulate);
      return;
    }
    Tensor dOut =
        gradient.columns() == null ? columnsOf(gradient.rows(), scratch) : gradient.columns();
    Tensor input = gathersInput() ? columnsOf(x.values(), scratch) : x.values();
    kernels
        .fp8()
        .multiply(
            weight.grad(),
            new Operand(dOut, scaling.inverse()),
            new Operand(input, Objects.requireNonNull(x.inverse())),
            Sums.SPLIT,
            accumulate);
  }

  private Tensor columnsOf(Tensor rows, MemoryScope scratch) {
    Tensor columns = scratch.allocate(transposed(rows.shape()), rows.dtype());
    kernels.fp8().transpose(columns, rows);
    return columns;
  }

  private void multiply(Tensor out, Operand a, Operand b, Sums sums) {
    kernels.fp8().multiply(out, a, b, sums, Accumulate.OVERWRITE);
  }

  private Operand weight(Tensor values) {
    return new Operand(values, state.weightInverse(weight));
  }

  private boolean gathersInput() {
    return entersRegion && region.splitsSequence();
  }

  private boolean gathersGradient() {
    return !entersRegion && region.splitsSequence();
  }

  private static Tensor eight(Shape shape, Scaling scaling, MemoryScope scope) {
    return scope.allocate(shape, scaling.type());
  }

  private static Shape transposed(Shape shape) {
    long width = shape.dim(-1);
    return Shape.of(width, shape.numElements() / width);
  }
}
