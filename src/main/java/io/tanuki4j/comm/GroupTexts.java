package io.tanuki4j.comm;

import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Sends texts as integers in device memory, which every kind of group can send. The sizes go first.
 */
final class GroupTexts implements TextExchange {
  /** The largest alignment to which a device may round a tensor's address. */
  private static final long ALIGNMENT = 512;

  private final ProcessGroup group;
  private final Device device;
  private final @Nullable Tensor place;

  /**
   * @param place I32, for texts that fit; null for none
   */
  GroupTexts(ProcessGroup group, Device device, @Nullable Tensor place) {
    this.group = group;
    this.device = device;
    this.place = place;
  }

  @Override
  public int rank() {
    return group.rank();
  }

  @Override
  public int size() {
    return group.size();
  }

  @Override
  public List<String> gather(String own) {
    byte[] text = own.getBytes(StandardCharsets.UTF_8);
    IntBuffer sizes = gather(newBuffer(1).putInt(0, text.length)).asIntBuffer();
    int mostBytes = 0;
    for (int rank = 0; rank < size(); rank++) {
      mostBytes = Math.max(mostBytes, sizes.get(rank));
    }
    int words = (mostBytes + Integer.BYTES - 1) / Integer.BYTES;
    ByteBuffer texts = words == 0 ? newBuffer(0) : gather(newBuffer(words).put(0, text));
    List<String> all = new ArrayList<>();
    for (int rank = 0; rank < size(); rank++) {
      byte[] one = new byte[sizes.get(rank)];
      texts.get(rank * words * Integer.BYTES, one);
      all.add(new String(one, StandardCharsets.UTF_8));
    }
    return all;
  }

  /** Gathers the words of all ranks, the same number from each. */
  private ByteBuffer gather(ByteBuffer own) {
    int words = own.remaining() / Integer.BYTES;
    ByteBuffer all = newBuffer(Math.multiplyExact(words, size()));
    long allWords = (long) words * size();
    if (place != null && words + allWords <= place.numElements()) {
      gather(all, own, place.rows(allWords, allWords + words), place.rows(0, allWords));
      return all.clear();
    }
    long bytes = 2 * ALIGNMENT + own.remaining() + (long) all.remaining();
    try (MemoryScope scope = device.openScope("texts", bytes)) {
      Tensor shard = scope.allocate(Shape.of(words), DType.I32);
      gather(all, own, shard, scope.allocate(Shape.of(allWords), DType.I32));
    }
    return all.clear();
  }

  private void gather(ByteBuffer all, ByteBuffer own, Tensor shard, Tensor gathered) {
    device.upload(shard, own);
    group.allGather(gathered, shard).await();
    device.download(all, gathered);
  }

  private static ByteBuffer newBuffer(int words) {
    return ByteBuffer.allocateDirect(Math.multiplyExact(words, Integer.BYTES))
        .order(ByteOrder.LITTLE_ENDIAN);
  }
}
