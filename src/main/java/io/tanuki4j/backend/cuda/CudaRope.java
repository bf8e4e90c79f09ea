package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import org.jspecify.annotations.Nullable;

/** Rotary position embedding; see rope.cu. */
final class CudaRope implements RopeKernels {
  private static final int THREADS = 256;

  private final CudaModules modules;

  CudaRope(CudaModules modules) {
    this.modules = modules;
  }

  @Override
  public void ropeForward(
      Tensor qkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    rotate(qkv, cos, sin, rows, shape, 1);
  }

  @Override
  public void ropeBackward(
      Tensor dQkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape) {
    rotate(dQkv, cos, sin, rows, shape, -1);
  }

  private void rotate(
      Tensor qkv, Tensor cos, Tensor sin, @Nullable Tensor rows, AttentionShape shape, float sign) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    int half = Expect.columns(cos);
    Expect.computeType("qkv of rope", qkv);
    Expect.matrix("qkv of rope", qkv, tokens, shape.qkvSize());
    long numRows = rows == null ? shape.seqLength() : cos.numElements() / half;
    checkAngles("cos of rope", cos, numRows, half);
    checkAngles("sin of rope", sin, numRows, half);
    if (rows != null) {
      Expect.elements("rows of rope", rows, tokens);
      Expect.dtype("rows of rope", rows, DType.I32);
    }
    if (2 * half > shape.headDim()) {
      throw new IllegalArgumentException(
          "rotary dim %d (expected: at most the head dim %d)".formatted(2 * half, shape.headDim()));
    }
    int vector = Vectors.width(qkv.dtype(), half, qkv, cos, sin);
    vector = shape.headDim() % vector == 0 ? vector : 1;
    CudaFunction function = modules.function(new RowVariant("rope", qkv.dtype(), vector), "rope");
    function.arg(qkv).arg(cos).arg(sin).arg(rows == null ? 0 : Address.of(rows));
    function.arg(shape.batchSize()).arg(shape.qkvSize());
    function
        .arg(shape.numHeads() + shape.numQueryGroups())
        .arg(shape.headDim())
        .arg(half)
        .arg(sign);
    function.launch(tokens, THREADS);
  }

  private static void checkAngles(String name, Tensor angles, long numRows, int half) {
    Expect.matrix(name, angles, numRows, half);
    Expect.dtype(name, angles, DType.F32);
  }
}
