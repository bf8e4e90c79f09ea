package io.tanuki4j.backend.counting;

import io.tanuki4j.backend.counting.CountingScope.Stack;
import io.tanuki4j.kernel.ActivationKernels;
import io.tanuki4j.kernel.AttentionKernels;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.DeviceInfo;
import io.tanuki4j.kernel.ElementwiseKernels;
import io.tanuki4j.kernel.EmbeddingKernels;
import io.tanuki4j.kernel.Fp8Kernels;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LayerNormKernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.NormKernels;
import io.tanuki4j.kernel.OptimizerKernels;
import io.tanuki4j.kernel.RandomKernels;
import io.tanuki4j.kernel.RopeKernels;
import io.tanuki4j.kernel.VocabParallelLossKernels;
import io.tanuki4j.tensor.Tensor;
import java.lang.reflect.Proxy;
import java.nio.ByteBuffer;
import java.util.LinkedHashMap;
import java.util.Map;

/** Counts what scopes would take; every operation does nothing, and downloads leave zeros. */
public final class CountingDevice implements Device {
  private final Kernels kernels =
      new Kernels(
          idle(MatmulKernels.class),
          idle(NormKernels.class),
          idle(LayerNormKernels.class),
          idle(RopeKernels.class),
          idle(AttentionKernels.class),
          idle(ActivationKernels.class),
          idle(EmbeddingKernels.class),
          idle(LossKernels.class),
          idle(VocabParallelLossKernels.class),
          idle(OptimizerKernels.class),
          idle(ElementwiseKernels.class),
          idle(RandomKernels.class),
          idle(Fp8Kernels.class));
  private final Map<String, Stack> stacks = new LinkedHashMap<>();

  /** Returns a family of kernels whose operations do nothing. */
  private static <F> F idle(Class<F> family) {
    return family.cast(
        Proxy.newProxyInstance(
            family.getClassLoader(), new Class<?>[] {family}, (proxy, method, arguments) -> null));
  }

  @Override
  public DeviceInfo info() {
    return new DeviceInfo("counter", Long.MAX_VALUE);
  }

  @Override
  public Kernels kernels() {
    return kernels;
  }

  @Override
  public MemoryScope openScope(String label) {
    Stack stack = new Stack();
    stacks.put(label, stack);
    return new CountingScope(stack);
  }

  /**
   * Returns the peak bytes allocated from the last root scope of this label, each tensor aligned as
   * a GPU wants it.
   */
  public long peakBytes(String label) {
    Stack stack = stacks.get(label);
    return stack == null ? 0 : stack.peak();
  }

  @Override
  public void upload(Tensor destination, ByteBuffer source) {
    source.position(source.limit());
  }

  @Override
  public void download(ByteBuffer destination, Tensor source) {
    while (destination.hasRemaining()) {
      destination.put((byte) 0);
    }
  }

  @Override
  public void synchronize() {}

  @Override
  public long bytesInUse() {
    return stacks.values().stream().mapToLong(Stack::height).sum();
  }

  @Override
  public void close() {}
}
