package io.tanuki4j.kernel.profile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.tanuki4j.backend.cpu.CpuBackend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.kernel.Replay;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.RecordComponent;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProfiledDeviceTest {
  private ProfiledDevice device;
  private MemoryScope scope;
  private Tensor x;

  @BeforeEach
  void open() {
    device = new ProfiledDevice(new CpuBackend(1).openDevice(0));
    scope = device.openScope("test");
    x = scope.allocate(Shape.of(1 << 16), DType.F32);
  }

  @AfterEach
  void close() {
    scope.close();
    device.close();
  }

  /** What has a default would not reach the other device if it were inherited. */
  @Test
  void everything_is_handed_on() throws ReflectiveOperationException {
    for (RecordComponent family : Kernels.class.getRecordComponents()) {
      Object profiled = family.getAccessor().invoke(device.kernels());
      assertDeclaresAll(profiled.getClass(), family.getType());
    }
    assertDeclaresAll(ProfiledDevice.class, Device.class);
  }

  private static void assertDeclaresAll(Class<?> decorator, Class<?> contract) {
    Set<String> names =
        Stream.of(contract.getMethods())
            .filter(method -> !method.isDefault())
            .map(Method::getName)
            .collect(Collectors.toSet());
    for (Method method : contract.getMethods()) {
      boolean isShortForm = method.isDefault() && names.contains(method.getName());
      if (isShortForm || Modifier.isStatic(method.getModifiers())) {
        continue;
      }
      assertThatCode(
              () -> decorator.getDeclaredMethod(method.getName(), method.getParameterTypes()))
          .as(method.toString())
          .doesNotThrowAnyException();
    }
  }

  @Test
  void only_calls_between_start_and_stop_are_timed() {
    device.kernels().elementwise().fill(x, 1);
    device.startProfile();
    device.kernels().elementwise().fill(x, 2);
    device.kernels().elementwise().fill(x, 3);
    KernelProfile profile = device.stopProfile(2);
    device.kernels().elementwise().fill(x, 4);
    assertThat(profile.rows()).hasSize(1);
    KernelProfile.Row row = profile.rows().get(0);
    assertThat(row.call()).isEqualTo(ProfiledElementwise.costOfFill(x));
    assertThat(row.calls()).isEqualTo(2);
    assertThat(row.millis()).isPositive();
    device.startProfile();
    assertThat(device.stopProfile(1).rows()).isEmpty();
  }

  @Test
  void more_calls_than_marks_are_all_counted() {
    int calls = 2500;
    device.startProfile();
    for (int i = 0; i < calls; i++) {
      device.kernels().elementwise().fill(x.rows(0, 1), i);
    }
    assertThat(device.stopProfile(1).rows())
        .extracting(KernelProfile.Row::calls)
        .containsOnly(2500L);
  }

  @Test
  void recorded_work_is_timed_operation_by_operation() {
    Runnable work = () -> device.kernels().elementwise().add(x, x, x);
    device.kernels().elementwise().fill(x, 1);
    try (Replay replay = device.record(work)) {
      replay.run();
      device.startProfile();
      replay.run();
      List<KernelProfile.Row> rows = device.stopProfile(1).rows();
      assertThat(rows).extracting(row -> row.call().operation()).containsExactly("add");
      replay.run();
    }
    assertThat(first()).isEqualTo(8);
  }

  @Test
  void work_of_a_profile_is_recorded_only_after_it() {
    device.kernels().elementwise().fill(x, 1);
    device.startProfile();
    try (Replay replay = device.record(() -> device.kernels().elementwise().add(x, x, x))) {
      assertThat(first()).isEqualTo(1);
      replay.run();
      assertThat(device.stopProfile(1).rows()).hasSize(1);
      replay.run();
    }
    assertThat(first()).isEqualTo(4);
  }

  @Test
  void a_trace_has_calls_and_waits_in_their_order_and_the_spans_of_the_host(@TempDir Path folder)
      throws IOException {
    Trace trace = device.startTrace(3);
    long begin = System.nanoTime();
    for (int i = 0; i < 1500; i++) {
      device.kernels().elementwise().fill(x.rows(0, 1), i);
    }
    device.await("tp", () -> {});
    device.stopTrace();
    trace.host("part", begin, System.nanoTime());
    Path file = folder.resolve("trace.json");
    trace.write(file);
    List<JsonObject> events = events(file);
    assertThat(events).hasSize(1502).allMatch(event -> event.get("pid").getAsInt() == 3);
    double end = 0;
    for (JsonObject call : events.subList(0, 1501)) {
      assertThat(call.get("ts").getAsDouble()).isGreaterThanOrEqualTo(end);
      end = call.get("ts").getAsDouble() + call.get("dur").getAsDouble();
    }
    assertThat(events.get(1500).get("name").getAsString()).isEqualTo("wait for tp");
    assertThat(events.get(1501).get("dur").getAsDouble()).isGreaterThan(0);
  }

  private static List<JsonObject> events(Path file) throws IOException {
    JsonObject trace = new Gson().fromJson(Files.readString(file), JsonObject.class);
    return StreamSupport.stream(trace.getAsJsonArray("traceEvents").spliterator(), false)
        .map(JsonElement::getAsJsonObject)
        .filter(event -> event.get("ph").getAsString().equals("X"))
        .toList();
  }

  private float first() {
    ByteBuffer host = ByteBuffer.allocate(Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    device.download(host, x.rows(0, 1));
    return host.getFloat(0);
  }
}
