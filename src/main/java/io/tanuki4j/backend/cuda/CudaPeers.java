package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.check;
import static io.tanuki4j.backend.cuda.CudaException.checkDriver;
import static java.nio.charset.StandardCharsets.US_ASCII;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudart.cudaIpcMemHandle_t;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.Pointer;

/**
 * The memory of other processes' GPUs on this machine: copies into it, and short messages about
 * them. All of it goes on queues, takes no multiprocessor, and can be recorded.
 *
 * <p>A message sets a word in the receiver's memory, which the receiver clears after its wait. It
 * must not be sent again before that.
 */
public final class CudaPeers implements AutoCloseable {
  /** What a message is about. */
  public enum Message {
    READY,
    ARRIVED
  }

  private static final int HANDLE_BYTES = 64;
  private static final int KINDS = Message.values().length;

  /** Each byte is {@link #SET_BYTE}. */
  private static final int SET = 0x0101_0101;

  private static final int SET_BYTE = 1;
  private static final long ABORT_PERIOD_MILLIS = 10;

  /** Too large for CUDA to put it together with other allocations. */
  private static final long MAILBOX_BYTES = 2L << 20;

  private final CudaDevice device;
  private final CudaGpu gpu;
  private final String busId;
  private final int rank;
  private final MemoryScope scope;
  private final Tensor mailbox;
  private final long[] mailboxes;
  private final Map<ByteBuffer, Long> opened = new HashMap<>();
  private volatile boolean closed;

  CudaPeers(CudaDevice device, CudaGpu gpu, int rank, int numPeers) {
    this.device = device;
    this.gpu = gpu;
    this.busId = PeerReach.busId(gpu.ordinal());
    this.rank = rank;
    this.scope = device.openScope("messages of peers", MAILBOX_BYTES);
    this.mailbox = scope.allocate(Shape.of((long) numPeers * KINDS), DType.I32);
    this.mailboxes = new long[numPeers];
    device.kernels().elementwise().fill(mailbox, 0);
    device.synchronize();
  }

  /**
   * Returns what peers have to know of this rank: its GPU, and where it reads messages; nothing if
   * this GPU's memory cannot be shared.
   */
  public byte[] introduction() {
    byte[] place;
    try {
      place = describe(mailbox);
    } catch (CudaException e) {
      int unused = cudart.cudaGetLastError(); // clears it: the context is sound
      return new byte[0];
    }
    byte[] bus = busId.getBytes(US_ASCII);
    return ByteBuffer.allocate(Integer.BYTES + bus.length + place.length)
        .putInt(bus.length)
        .put(bus)
        .put(place)
        .array();
  }

  /**
   * Opens the mailbox of a peer.
   *
   * @return whether this GPU reaches it
   */
  public boolean connect(int peer, byte[] introduction) {
    if (introduction.length == 0) {
      return false;
    }
    ByteBuffer parts = ByteBuffer.wrap(introduction);
    byte[] bus = new byte[parts.getInt()];
    parts.get(bus);
    if (!PeerReach.ofCuda().mayReach(gpu.ordinal(), busId, new String(bus, US_ASCII))) {
      return false;
    }
    byte[] place = new byte[parts.remaining()];
    parts.get(place);
    try {
      mailboxes[peer] = open(place);
      return true;
    } catch (CudaException e) {
      int unused = cudart.cudaGetLastError(); // clears it: the context is sound
      return false;
    }
  }

  /** Returns a description of a tensor's place, with which another process can open it. */
  public static byte[] describe(Tensor tensor) {
    CudaBlock block = (CudaBlock) tensor.buffer();
    try (cudaIpcMemHandle_t handle = new cudaIpcMemHandle_t()) {
      check(
          cudart.cudaIpcGetMemHandle(handle, new Address(block.address())), "cudaIpcGetMemHandle");
      ByteBuffer description = ByteBuffer.allocate(HANDLE_BYTES + Long.BYTES);
      for (int i = 0; i < HANDLE_BYTES; i++) {
        description.put(handle.reserved(i));
      }
      return description.putLong(tensor.byteOffset()).array();
    }
  }

  /** Returns the address of a described place in this process. */
  public long open(byte[] description) {
    byte[] handle = new byte[HANDLE_BYTES];
    System.arraycopy(description, 0, handle, 0, HANDLE_BYTES);
    long base = opened.computeIfAbsent(ByteBuffer.wrap(handle), CudaPeers::openBlock);
    return base + ByteBuffer.wrap(description).getLong(HANDLE_BYTES);
  }

  private static long openBlock(ByteBuffer bytes) {
    Pointer base = new Pointer();
    try (cudaIpcMemHandle_t handle = new cudaIpcMemHandle_t()) {
      for (int i = 0; i < HANDLE_BYTES; i++) {
        handle.reserved(i, bytes.get(i));
      }
      check(
          cudart.cudaIpcOpenMemHandle(base, handle, cudart.cudaIpcMemLazyEnablePeerAccess),
          "cudaIpcOpenMemHandle");
    }
    return base.address();
  }

  /** Sends a peer a message, behind what is in the queue. */
  public void tell(CudaQueue queue, int peer, Message message) {
    write(queue, mailboxes[peer] + word(rank, message), SET);
  }

  /** Makes a queue wait for a message of a peer. */
  public void await(CudaQueue queue, int peer, Message message) {
    long place = Address.of(mailbox) + word(peer, message);
    checkDriver(
        cudart.cuStreamWaitValue32(queue.handle(), place, SET, cudart.CU_STREAM_WAIT_VALUE_EQ),
        "cuStreamWaitValue32");
    write(queue, place, 0);
  }

  private static void write(CudaQueue queue, long place, int value) {
    checkDriver(
        cudart.cuStreamWriteValue32(
            queue.handle(), place, value, cudart.CU_STREAM_WRITE_VALUE_DEFAULT),
        "cuStreamWriteValue32");
  }

  private static long word(int sender, Message message) {
    return ((long) sender * KINDS + message.ordinal()) * Integer.BYTES;
  }

  /** Copies a tensor to an address in a peer's memory. */
  public void copy(CudaQueue queue, long to, Tensor from) {
    check(
        cudart.cudaMemcpyAsync(
            new Address(to),
            CudaDevice.pointer(from),
            from.numBytes(),
            cudart.cudaMemcpyDefault,
            queue.handle()),
        "cudaMemcpyAsync");
  }

  /** Ends waits for peers that never answer; any thread may call it. */
  public void abort() {
    Thread thread = new Thread(this::answerForPeers, "abort of messages");
    thread.setDaemon(true);
    thread.start();
  }

  private void answerForPeers() {
    try {
      device.bindToThread();
      answerUntilClosed();
    } catch (CudaException unused) {
      // the GPU has failed, and nothing waits on it any more
    }
  }

  private void answerUntilClosed() {
    try (CudaQueue queue = device.openQueue()) {
      while (!closed) {
        int status =
            cudart.cudaMemsetAsync(
                CudaDevice.pointer(mailbox), SET_BYTE, mailbox.numBytes(), queue.handle());
        if (status != cudart.cudaSuccess) {
          return; // the GPU has failed, and nothing waits on it any more
        }
        Thread.sleep(ABORT_PERIOD_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    closed = true;
    for (long base : opened.values()) {
      check(cudart.cudaIpcCloseMemHandle(new Address(base)), "cudaIpcCloseMemHandle");
    }
    scope.close();
  }
}
