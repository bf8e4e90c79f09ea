package io.tanuki4j.backend.cuda;

import io.tanuki4j.kernel.AttentionShape;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;

/** Rotary position embedding; see rope.cu. */
final class CudaRope implements RopeKernels {
  private static final int THREADS = 256;

  private final CudaModules modules;

  CudaRope(CudaModules modules) {
    this.modules = modules;
  }

  @Override
  public void ropeForward(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape) {
    rotate(qkv, cos, sin, shape, 1);
  }

  @Override
  public void ropeBackward(Tensor dQkv, Tensor cos, Tensor sin, AttentionShape shape) {
    rotate(dQkv, cos, sin, shape, -1);
  }

  private void rotate(Tensor qkv, Tensor cos, Tensor sin, AttentionShape shape, float sign) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    int half = Expect.columns(cos);
    Expect.computeType("qkv of rope", qkv);
    Expect.matrix("qkv of rope", qkv, tokens, shape.qkvSize());
    checkAngles("cos of rope", cos, shape, half);
    checkAngles("sin of rope", sin, shape, half);
    if (2 * half > shape.headDim()) {
      throw new IllegalArgumentException(
          "rotary dim %d (expected: at most the head dim %d)".formatted(2 * half, shape.headDim()));
    }
    int vector = Vectors.width(qkv.dtype(), half, qkv, cos, sin);
    vector = shape.headDim() % vector == 0 ? vector : 1;
    CudaFunction function = modules.function(new RowVariant("rope", qkv.dtype(), vector), "rope");
    function.arg(qkv).arg(cos).arg(sin).arg(shape.batchSize()).arg(shape.qkvSize());
    function
        .arg(shape.numHeads() + shape.numQueryGroups())
        .arg(shape.headDim())
        .arg(half)
        .arg(sign);
    function.launch(tokens, THREADS);
  }

  private static void checkAngles(String name, Tensor angles, AttentionShape shape, int half) {
    Expect.matrix(name, angles, shape.seqLength(), half);
    Expect.dtype(name, angles, DType.F32);
  }
}
