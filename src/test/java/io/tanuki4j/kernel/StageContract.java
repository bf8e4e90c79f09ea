package io.tanuki4j.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Copies of tensors in host memory, for other threads to read. */
public abstract class StageContract {
  private static final int NUM_SLOTS = 3;
  private static final int SLOT_BYTES = 1 << 16;
  private static final Shape WHOLE_SLOT = Shape.of(SLOT_BYTES / Float.BYTES);

  private Device device;
  private MemoryScope scope;
  private HostStage stage;

  protected abstract Device openDevice();

  @BeforeEach
  void open() {
    device = openDevice();
    scope = device.openScope("test");
    stage = device.openStage(NUM_SLOTS, SLOT_BYTES);
  }

  @AfterEach
  void close() {
    stage.close();
    scope.close();
    device.close();
  }

  @Test
  void slots_have_the_size_that_was_asked_for() {
    assertThat(stage.numSlots()).isEqualTo(NUM_SLOTS);
    assertThat(stage.slot(NUM_SLOTS - 1).remaining()).isEqualTo(SLOT_BYTES);
    assertThat(stage.slot(0).order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void another_thread_reads_what_was_there_when_the_copy_was_called() {
    Tensor tensor = scope.allocate(WHOLE_SLOT, DType.F32);
    for (int slot = 0; slot < NUM_SLOTS; slot++) {
      device.kernels().elementwise().fill(tensor, slot + 1);
      stage.copy(slot, stage.slot(slot), tensor);
      stage.await(slot);
    }
    device.kernels().elementwise().fill(tensor, -1);
    for (int slot = 0; slot < NUM_SLOTS; slot++) {
      ByteBuffer content = stage.slot(slot);
      float expected = slot + 1;
      assertThat(CompletableFuture.supplyAsync(() -> holdsOnly(content, expected)).join()).isTrue();
    }
  }

  private static boolean holdsOnly(ByteBuffer content, float expected) {
    while (content.hasRemaining()) {
      if (content.getFloat() != expected) {
        return false;
      }
    }
    return true;
  }

  @Test
  void parts_of_a_slot_are_copied_from_parts_of_tensors() {
    Tensor tensor = scope.allocate(Shape.of(8), DType.F32);
    device.kernels().elementwise().fill(tensor, 3);
    device.kernels().elementwise().fill(tensor.rows(2, 4), 7);
    ByteBuffer slot = stage.slot(1);
    slot.putFloat(0, 1).putFloat(12, 1);
    stage.copy(1, slot.slice(4, 8).order(ByteOrder.LITTLE_ENDIAN), tensor.rows(3, 5));
    stage.await(1);
    assertThat(slot.getFloat(0)).isEqualTo(1);
    assertThat(slot.getFloat(4)).isEqualTo(7);
    assertThat(slot.getFloat(8)).isEqualTo(3);
    assertThat(slot.getFloat(12)).isEqualTo(1);
  }
}
