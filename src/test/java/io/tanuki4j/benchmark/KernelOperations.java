package io.tanuki4j.benchmark;

import io.tanuki4j.benchmark.KernelBenchmark.Operation;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.OptimizerKernels.AdamWStep;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The operations of a training step on random tensors of one shape. */
final class KernelOperations {
  private final Device device;
  private final Kernels kernels;
  private final MemoryScope scope;
  private final BenchmarkShape shape;
  private final DType dtype;
  private final List<Operation> operations = new ArrayList<>();

  KernelOperations(Device device, MemoryScope scope, BenchmarkShape shape, DType dtype) {
    this.device = device;
    this.kernels = device.kernels();
    this.scope = scope;
    this.shape = shape;
    this.dtype = dtype;
  }

  List<Operation> all() {
    addMatmuls();
    addNorm();
    addAttention();
    addActivation();
    addVocabulary();
    addOptimizer();
    return operations;
  }

  private void addMatmuls() {
    int h = shape.hidden();
    addLinear("qkv", h, shape.attention().qkvSize());
    addLinear("out", h, h);
    addLinear("gateUp", h, 2 * shape.ffn());
    addLinear("down", shape.ffn(), h);
    addLinear("logits", h, shape.vocab());
  }

  private void addLinear(String name, int in, int out) {
    int t = shape.tokens();
    double flops = 2.0 * t * in * out;
    Tensor x = normal(t, in);
    Tensor w = normal(out, in);
    Tensor y = normal(t, out);
    Tensor grad = normal(out, in);
    Tensor dx = normal(t, in);
    Tensor dy = normal(t, out);
    flops(
        name + " forward",
        flops,
        () -> kernels.matmul(y, x, Op.NONE, w, Op.TRANSPOSE, Accumulate.OVERWRITE));
    flops(
        name + " dX",
        flops,
        () -> kernels.matmul(dx, dy, Op.NONE, w, Op.NONE, Accumulate.OVERWRITE));
    flops(
        name + " dW",
        flops,
        () -> kernels.matmul(grad, dy, Op.TRANSPOSE, x, Op.NONE, Accumulate.ADD));
  }

  private void addNorm() {
    int t = shape.tokens();
    int h = shape.hidden();
    Tensor x = normal(t, h);
    Tensor out = normal(t, h);
    Tensor dx = normal(t, h);
    Tensor weight = normal(h);
    Tensor dWeight = normal(h);
    Tensor rstd = normal(t);
    double bytes = (double) dtype.bytes() * t * h;
    bytes("rmsNorm forward", 2 * bytes, () -> kernels.rmsNormForward(out, rstd, x, weight, 1e-5));
    bytes(
        "rmsNorm backward",
        4 * bytes,
        () -> kernels.rmsNormBackward(dx, dWeight, out, x, rstd, weight, Accumulate.ADD));
    bytes("add", 3 * bytes, () -> kernels.add(dx, x, out));
    bytes("copy", 2 * bytes, () -> kernels.copy(dx, x));
  }

  private void addAttention() {
    int t = shape.tokens();
    int d = shape.attention().headDim();
    Tensor qkv = normal(t, shape.attention().qkvSize());
    Tensor dQkv = normal(t, shape.attention().qkvSize());
    Tensor out = normal(t, shape.hidden());
    Tensor lse = normal((long) t * shape.heads());
    Tensor cos = normal(shape.seq(), d / 2);
    Tensor sin = normal(shape.seq(), d / 2);
    Tensor rotated = normal(t, shape.attention().qkvSize());
    double rotatedBytes = 2.0 * dtype.bytes() * t * (shape.heads() + shape.groups()) * d;
    bytes("rope", rotatedBytes, () -> kernels.ropeForward(rotated, cos, sin, shape.attention()));
    double flops = 2.0 * shape.batch() * shape.heads() * d * (double) shape.seq() * shape.seq();
    flops(
        "attention forward",
        flops,
        () -> kernels.causalAttentionForward(out, lse, qkv, shape.attention()));
    flops(
        "attention backward",
        2.5 * flops,
        () -> kernels.causalAttentionBackward(dQkv, out, out, lse, qkv, shape.attention()));
  }

  private void addActivation() {
    int t = shape.tokens();
    Tensor gateUp = normal(t, 2L * shape.ffn());
    Tensor dGateUp = normal(t, 2L * shape.ffn());
    Tensor out = normal(t, shape.ffn());
    double bytes = (double) dtype.bytes() * t * shape.ffn();
    bytes("swiGlu forward", 3 * bytes, () -> kernels.swiGluForward(out, gateUp));
    bytes("swiGlu backward", 5 * bytes, () -> kernels.swiGluBackward(dGateUp, out, gateUp));
  }

  private void addVocabulary() {
    int t = shape.tokens();
    int v = shape.vocab();
    Tensor tokens = ids(t, v);
    Tensor table = normal(v, shape.hidden());
    Tensor out = normal(t, shape.hidden());
    double rowBytes = (double) dtype.bytes() * t * shape.hidden();
    bytes("embedding forward", 2 * rowBytes, () -> kernels.embeddingForward(out, tokens, table));
    bytes("embedding backward", 3 * rowBytes, () -> kernels.embeddingBackward(table, out, tokens));
    Tensor logits = normal(t, v);
    Tensor mask = scope.allocate(Shape.of(t), DType.F32);
    Tensor scale = scope.allocate(Shape.of(1), DType.F64);
    Tensor sums = scope.allocate(Shape.of(LossKernels.NUM_SUMS), DType.F64);
    kernels.fill(mask, 1);
    kernels.fill(scale, 1);
    double bytes = (double) dtype.bytes() * t * v;
    bytes(
        "crossEntropy",
        2 * bytes,
        () -> kernels.crossEntropyForwardBackward(sums, logits, tokens, mask, scale, 0));
  }

  private void addOptimizer() {
    long k = shape.parameters();
    Tensor weight = normal(k);
    Tensor grad = normal(k);
    Tensor m = normal(k);
    Tensor v = scope.allocate(Shape.of(k), DType.F32);
    Tensor norm = scope.allocate(Shape.of(1), DType.F64);
    Tensor factor = scope.allocate(Shape.of(1), DType.F64);
    kernels.fill(v, 1);
    kernels.fill(factor, 1);
    AdamWStep step = new AdamWStep(1e-4, 0.9, 0.95, 1e-8, 0.1, 10);
    bytes("sumOfSquares", 4.0 * k, () -> kernels.sumOfSquares(norm, grad));
    bytes("fill", 4.0 * k, () -> kernels.fill(grad, 0));
    bytes("adamW", 28.0 * k, () -> kernels.adamW(weight, weight, m, v, grad, factor, step));
  }

  private void flops(String name, double flops, Runnable run) {
    operations.add(new Operation(name, flops, "GFLOP/s", run));
  }

  private void bytes(String name, double bytes, Runnable run) {
    operations.add(new Operation(name, bytes, "GB/s", run));
  }

  private Tensor normal(long... dims) {
    Tensor tensor = scope.allocate(Shape.of(dims), dtype);
    long columns = tensor.dim(-1);
    kernels.fillNormal(tensor, 1, 0, 0, columns, 1);
    return tensor;
  }

  private Tensor ids(int count, int vocab) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    new Random(1).ints(count, 0, vocab).forEach(bytes::putInt);
    Tensor tensor = scope.allocate(Shape.of(count), DType.I32);
    device.upload(tensor, bytes.flip());
    return tensor;
  }
}
