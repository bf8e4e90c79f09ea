package io.tanuki4j.parallel.context;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.backend.counting.CountingDevice;
import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.AttentionCore;
import io.tanuki4j.nn.AttentionDropout;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.ParameterListener;
import io.tanuki4j.nn.Samples;
import io.tanuki4j.parallel.ContextCommunication;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What one of three ranks calls, on a device that computes nothing. */
class RingOrderTest {
  private static final int S = 8;
  private static final int HEAD_DIM = 16;

  private final List<String> calls = new ArrayList<>();
  private final Device device = new CountingDevice();
  private final MemoryScope scope = device.openScope("test");
  private final Tensor qkv = scope.allocate(Shape.of(S, 1, 3 * HEAD_DIM), DType.BF16);
  private final Tensor out = scope.allocate(Shape.of(S, 1, HEAD_DIM), DType.BF16);

  @Test
  void the_next_keys_are_on_their_way_while_attention_is_computed() {
    core(ContextCommunication.P2P).forward(out, qkv, microbatch());
    assertThat(calls)
        .containsExactly(
            "copyColumns",
            "exchange",
            "causalAttentionForward",
            "copy",
            "await",
            "exchange",
            "blockAttentionForward",
            "mergeAttention",
            "await",
            "blockAttentionForward",
            "mergeAttention",
            "copy");
  }

  @Test
  void gradients_go_home_while_the_next_ones_are_computed() {
    AttentionCore core = core(ContextCommunication.P2P);
    AttentionCore.Saved saved = core.forward(out, qkv, microbatch());
    calls.clear();
    core.backward(scope.allocate(qkv.shape(), DType.BF16), saved, out, microbatch());
    assertThat(calls)
        .containsExactly(
            "copyColumns", // the own block
            "exchange",
            "fill",
            "copyColumns",
            "await",
            "exchange",
            "blockAttentionBackward",
            "copyColumns",
            "await",
            "exchange",
            "blockAttentionBackward",
            "copyColumns",
            "await",
            "copyColumns",
            "exchange",
            "causalAttentionBackward",
            "await",
            "copyColumns",
            "copyColumns",
            "copy");
  }

  @Test
  void all_keys_are_on_their_way_while_attention_to_the_own_is_computed() {
    core(ContextCommunication.ALL_GATHER).forward(out, qkv, microbatch());
    assertThat(calls)
        .startsWith("copyColumns", "allGather", "causalAttentionForward", "copy", "await");
  }

  private AttentionCore core(ContextCommunication communication) {
    ProcessGroup group =
        proxy(
            ProcessGroup.class,
            method ->
                switch (method.getName()) {
                  case "rank" -> 1;
                  case "size" -> 3;
                  default -> communication(method.getName());
                });
    return new ContextAttention(
        recordingKernels(), group, communication, 1, 1, HEAD_DIM, AttentionDropout.NONE, null);
  }

  /** Returns kernels that do nothing but add their names to the calls. */
  private Kernels recordingKernels() {
    Answer recorder =
        method -> {
          calls.add(method.getName());
          return null;
        };
    RecordComponent[] families = Kernels.class.getRecordComponents();
    Class<?>[] types =
        Arrays.stream(families).map(RecordComponent::getType).toArray(Class<?>[]::new);
    try {
      return Kernels.class
          .getConstructor(types)
          .newInstance(Arrays.stream(types).map(type -> proxy(type, recorder)).toArray());
    } catch (ReflectiveOperationException e) {
      throw new AssertionError(e);
    }
  }

  private Work communication(String name) {
    calls.add(name);
    return () -> calls.add("await");
  }

  private interface Answer {
    @Nullable Object to(Method method);
  }

  private static <T> T proxy(Class<T> type, Answer answer) {
    Object proxy =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) -> answer.to(method));
    return type.cast(proxy);
  }

  private Microbatch microbatch() {
    Tensor tokens = scope.allocate(Shape.of(S, 1), DType.I32);
    return new Microbatch(
        new Microbatch.Inputs(tokens, tokens, tokens, Samples.NONE),
        tokens,
        tokens,
        Accumulate.OVERWRITE,
        ParameterListener.NONE,
        true,
        scope);
  }
}
