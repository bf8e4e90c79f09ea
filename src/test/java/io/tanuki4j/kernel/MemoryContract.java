package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Scopes as a stack, and copies between host and device. */
public abstract class MemoryContract {
  private static final Shape SMALL = Shape.of(33);

  /** Larger than any block a backend takes by default. */
  private static final Shape LARGE = Shape.of(100 << 20);

  private Device device;

  protected abstract Device openDevice();

  @BeforeEach
  void open() {
    device = openDevice();
  }

  @AfterEach
  void close() {
    assertThat(device.bytesInUse()).as("bytes in use after the test").isZero();
    device.close();
  }

  @Test
  void tensors_of_a_scope_do_not_overlap_and_are_aligned() {
    try (MemoryScope scope = device.openScope("root")) {
      for (DType dtype : DType.values()) {
        Tensor a = scope.allocate(SMALL, dtype);
        Tensor b = scope.allocate(SMALL, dtype);
        device.kernels().elementwise().fill(a, 1);
        device.kernels().elementwise().fill(b, 2);
        assertThat(first(a)).isEqualTo(1);
        assertThat(first(b)).isEqualTo(2);
        assertThat(a.byteOffset() % 64).isZero();
        assertThat(b.byteOffset() % 64).isZero();
      }
    }
  }

  @Test
  void the_same_sequence_gets_the_same_places_and_no_more_memory() {
    try (MemoryScope scope = device.openScope("root")) {
      scope.allocate(SMALL, DType.F32);
      List<Tensor> firstPass = pass(scope);
      long bytes = device.bytesInUse();
      List<Tensor> secondPass = pass(scope);
      assertThat(device.bytesInUse()).isEqualTo(bytes);
      for (int i = 0; i < firstPass.size(); i++) {
        assertThat(secondPass.get(i).buffer()).isSameAs(firstPass.get(i).buffer());
        assertThat(secondPass.get(i).byteOffset()).isEqualTo(firstPass.get(i).byteOffset());
      }
    }
  }

  @Test
  void a_scope_counts_the_bytes_of_its_open_children() {
    try (MemoryScope scope = device.openScope("root")) {
      scope.allocate(Shape.of(64), DType.F32);
      assertThat(scope.bytesInUse()).isEqualTo(256);
      try (MemoryScope child = scope.child("child")) {
        child.allocate(Shape.of(64), DType.F64);
        assertThat(child.bytesInUse()).isEqualTo(512);
        assertThat(scope.bytesInUse()).isEqualTo(768);
      }
      assertThat(scope.bytesInUse()).isEqualTo(256);
    }
  }

  @Test
  void a_closed_root_gives_its_memory_back() {
    MemoryScope scope = device.openScope("root");
    scope.allocate(LARGE, DType.F32);
    assertThat(device.bytesInUse()).isGreaterThanOrEqualTo(4L * LARGE.numElements());
    scope.close();
    assertThat(device.bytesInUse()).isZero();
    scope.close();
  }

  @Test
  void a_planned_scope_takes_its_memory_at_once() {
    try (MemoryScope scope = device.openScope("planned", 201 << 20)) {
      scope.allocate(SMALL, DType.F32);
      long bytes = device.bytesInUse();
      Tensor large = scope.allocate(LARGE, DType.BF16);
      assertThat(device.bytesInUse()).isEqualTo(bytes);
      device.kernels().elementwise().fill(large.rows(0, 10), 3);
      assertThat(first(large)).isEqualTo(3);
    }
  }

  @Test
  void a_child_alone_works_on_a_root_without_tensors() {
    try (MemoryScope scope = device.openScope("root")) {
      try (MemoryScope child = scope.child("child")) {
        child.allocate(SMALL, DType.F32);
      }
      Tensor tensor = scope.allocate(SMALL, DType.F32);
      device.kernels().elementwise().fill(tensor, 1);
      assertThat(first(tensor)).isEqualTo(1);
    }
  }

  @Test
  void rejects_the_use_of_a_scope_with_an_open_child() {
    try (MemoryScope scope = device.openScope("weights")) {
      try (MemoryScope child = scope.child("scratch")) {
        child.allocate(SMALL, DType.F32);
        String reason = "weights: its child weights/scratch is open";
        assertThatThrownBy(() -> scope.allocate(SMALL, DType.F32))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("allocate F32 [33]")
            .hasMessageContaining(reason);
        assertThatThrownBy(() -> scope.child("other"))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining(reason);
        assertThatThrownBy(scope::close)
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining(reason);
      }
    }
  }

  @Test
  void rejects_the_use_of_a_closed_scope() {
    MemoryScope scope = device.openScope("weights");
    scope.close();
    assertThatThrownBy(() -> scope.allocate(SMALL, DType.F32))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("weights: it has been closed");
    assertThatThrownBy(() -> scope.child("scratch"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("weights: it has been closed");
  }

  @Test
  void names_the_scope_that_gets_no_memory() {
    try (MemoryScope scope = device.openScope("weights")) {
      assertThatThrownBy(() -> scope.allocate(Shape.of(1L << 58), DType.F32))
          .isInstanceOf(UserException.class)
          .hasMessageContaining("scope weights")
          .hasMessageContaining(Long.toString(1L << 60));
    }
  }

  @Test
  void bytes_survive_the_way_to_the_device_and_back() {
    try (MemoryScope scope = device.openScope("root")) {
      Tensor tensor = scope.allocate(Shape.of(7, 3), DType.I64);
      double[] values = new double[21];
      for (int i = 0; i < values.length; i++) {
        values[i] = i - 10;
      }
      ByteBuffer source = HostValues.encode(values, DType.I64);
      device.upload(tensor, source);
      assertThat(source.hasRemaining()).isFalse();
      ByteBuffer back = HostValues.buffer(2 * 8 * 3);
      device.download(back, tensor.rows(2, 4));
      assertThat(HostValues.decode(back.flip(), DType.I64)).containsExactly(-4, -3, -2, -1, 0, 1);
    }
  }

  @Test
  void rejects_copies_of_another_size() {
    try (MemoryScope scope = device.openScope("root")) {
      Tensor tensor = scope.allocate(SMALL, DType.F32);
      assertThatThrownBy(() -> device.upload(tensor, ByteBuffer.allocate(8)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("8 bytes on the host (expected: 132)");
      assertThatThrownBy(() -> device.download(ByteBuffer.allocate(8), tensor))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("8 bytes on the host (expected: 132)");
    }
  }

  private static List<Tensor> pass(MemoryScope scope) {
    List<Tensor> tensors = new ArrayList<>();
    try (MemoryScope child = scope.child("pass")) {
      tensors.add(child.allocate(SMALL, DType.F32));
      try (MemoryScope deep = child.child("deep")) {
        tensors.add(deep.allocate(LARGE, DType.F32));
        tensors.add(deep.allocate(SMALL, DType.F32));
      }
      tensors.add(child.allocate(SMALL, DType.BF16));
      tensors.add(child.allocate(LARGE, DType.F64));
      tensors.add(child.allocate(SMALL, DType.I32));
    }
    return tensors;
  }

  private double first(Tensor tensor) {
    ByteBuffer bytes = HostValues.buffer(tensor.dtype().bytes());
    device.download(bytes, tensor.rows(0, 1));
    return HostValues.decode(bytes.flip(), tensor.dtype())[0];
  }
}
