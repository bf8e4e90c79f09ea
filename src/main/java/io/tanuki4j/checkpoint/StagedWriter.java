package io.tanuki4j.checkpoint;

import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.disk.NewFile;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.TensorEntry;
import io.tanuki4j.kernel.HostStage;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Writes tensors into safetensors files. The caller's thread fills slots of a stage; the writer's
 * own threads checksum and write their content. Filling waits only if no slot is free. If the stage
 * holds the whole file, the caller continues as soon as the tensors are copied.
 */
public final class StagedWriter implements AutoCloseable {
  private final HostStage stage;
  private final BlockingQueue<Integer> free;
  private final ExecutorService threads;

  /**
   * Starts the threads.
   *
   * @param stage closed with this
   * @param numThreads that write
   */
  public StagedWriter(HostStage stage, int numThreads) {
    this.stage = stage;
    this.free = new ArrayBlockingQueue<>(stage.numSlots());
    for (int i = 0; i < stage.numSlots(); i++) {
      free.add(i);
    }
    AtomicInteger number = new AtomicInteger();
    this.threads =
        Executors.newFixedThreadPool(
            numThreads,
            task -> {
              Thread thread = new Thread(task, "checkpoint-" + number.incrementAndGet());
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Writes tensors that are not on a device into one file, which appears when it is complete. It
   * has the bytes that the reference writer gives it.
   */
  public static NewFile.Written writeFile(Path file, List<ShardedTensor> tensors)
      throws IOException {
    long bytes = tensors.stream().mapToLong(ShardedTensor::numBytes).sum();
    try (StagedWriter writer = Size.passing(bytes).open(StagedWriter::ofNoDevice)) {
      SafetensorsWriter one =
          SafetensorsWriter.create(file, plan(tensors), SafetensorsWriter.PYTORCH);
      return await(writer.write(one, tensors));
    }
  }

  /** Returns a stage for tensors that are not on a device. */
  static HostStage ofNoDevice(int numSlots, int slotBytes) {
    return HostStage.direct(
        numSlots,
        slotBytes,
        (part, tensor) -> {
          throw new IllegalStateException("the stage is of no device");
        });
  }

  /** Runs a task after everything queued so far. */
  CompletableFuture<Void> then(Runnable task) {
    return CompletableFuture.runAsync(task, threads);
  }

  /**
   * Begins to write a file. Returns when all tensors are copied; they may then change.
   *
   * @return completes when the file exists under its name
   */
  CompletableFuture<NewFile.Written> write(Path file, List<ShardedTensor> tensors)
      throws IOException {
    return write(
        SafetensorsWriter.create(
            file, plan(tensors), SafetensorsWriter.PYTORCH, SafetensorsWriter.FAST_ALIGNMENT),
        tensors);
  }

  private static List<TensorEntry> plan(List<ShardedTensor> tensors) {
    return tensors.stream()
        .map(tensor -> new TensorEntry(tensor.entryName(), tensor.type(), tensor.shape()))
        .toList();
  }

  private CompletableFuture<NewFile.Written> write(
      SafetensorsWriter writer, List<ShardedTensor> tensors) {
    Filling filling = new Filling(writer);
    IOException failure = null;
    try {
      filling.fill(tensors);
    } catch (IOException e) {
      failure = e;
    } catch (RuntimeException | Error e) {
      filling.publish(new IOException("its tensors cannot be copied", e));
      throw e;
    }
    return filling.publish(failure);
  }

  /** One file that passes through the slots. */
  private final class Filling {
    private final SafetensorsWriter writer;
    private final List<CompletableFuture<Void>> writes = new ArrayList<>();
    private int slot = -1;
    private ByteBuffer content = ByteBuffer.allocate(0);
    private long position;
    private @Nullable Filled last;

    /** A slot whose copies are in progress. */
    private record Filled(int slot, ByteBuffer content, long position) {}

    Filling(SafetensorsWriter writer) {
      this.writer = writer;
    }

    void fill(List<ShardedTensor> tensors) throws IOException {
      Map<String, ShardedTensor> sources = new HashMap<>();
      tensors.forEach(tensor -> sources.put(tensor.entryName(), tensor));
      for (TensorEntry entry : writer.tensors()) {
        fill(entry, Objects.requireNonNull(sources.get(entry.name())).content());
      }
      next();
      handOver();
    }

    private void fill(TensorEntry entry, ShardedTensor.Content source) throws IOException {
      long numElements = entry.shape().numElements();
      int elementBytes = numElements == 0 ? 1 : (int) (entry.numBytes() / numElements);
      for (long first = 0; first < numElements; ) {
        if (content.remaining() < elementBytes) {
          next();
          take();
        }
        int count = (int) Math.min(content.remaining() / elementBytes, numElements - first);
        ByteBuffer part =
            content.slice(content.position(), count * elementBytes).order(ByteOrder.LITTLE_ENDIAN);
        source.begin(first, part, stage, slot);
        content.position(content.position() + count * elementBytes);
        first += count;
      }
    }

    private void take() throws IOException {
      if (writes.stream().anyMatch(CompletableFuture::isCompletedExceptionally)) {
        throw new IOException("writing failed"); // the write's own failure is reported
      }
      Integer next = free.poll();
      if (next == null) {
        handOver(); // nothing else may be on its way back
      }
      try {
        slot = next == null ? free.take() : next;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while waiting for the disk", e);
      }
      content = stage.slot(slot);
    }

    /** Hands over the previous slot, while the current one waits its turn. */
    private void next() {
      handOver();
      if (slot >= 0) {
        last = new Filled(slot, content.flip(), position);
        position += content.remaining();
        content = ByteBuffer.allocate(0);
        slot = -1;
      }
    }

    private void handOver() {
      Filled filled = last;
      if (filled != null) {
        stage.await(filled.slot());
        last = null;
        writes.add(then(() -> write(filled)));
      }
    }

    private void write(Filled filled) {
      try {
        writer.write(filled.content(), filled.position());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } finally {
        free.add(filled.slot());
      }
    }

    /**
     * Finishes the file.
     *
     * @param failure of filling; null if all of the file is on its way
     */
    CompletableFuture<NewFile.Written> publish(@Nullable IOException failure) {
      if (failure != null) {
        giveBack();
        writes.add(0, CompletableFuture.failedFuture(failure));
      }
      return CompletableFuture.allOf(writes.toArray(CompletableFuture[]::new))
          .handleAsync((none, problem) -> published(problem), threads);
    }

    private void giveBack() {
      if (slot >= 0) {
        stage.await(slot);
        free.add(slot);
      }
      if (last != null) {
        stage.await(last.slot());
        free.add(last.slot());
      }
    }

    private NewFile.Written published(@Nullable Throwable problem) {
      try (writer) {
        if (problem == null) {
          return writer.publish();
        }
        throw problem instanceof CompletionException completion
            ? completion
            : new CompletionException(problem);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }

  /**
   * Waits for a write and returns its result.
   *
   * @throws IOException if it could not be
   */
  static <T> T await(CompletableFuture<T> written) throws IOException {
    try {
      return written.join();
    } catch (CompletionException e) {
      Throwable cause = e.getCause();
      if (cause instanceof UncheckedIOException io) {
        throw Objects.requireNonNull(io.getCause());
      }
      if (cause instanceof IOException io) {
        throw io;
      }
      if (cause instanceof RuntimeException failure) {
        throw failure;
      }
      throw e;
    }
  }

  /** Waits for what is being written. */
  @Override
  public void close() {
    threads.shutdown();
    try {
      threads.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    stage.close();
  }

  /**
   * The host memory that a rank's share of a checkpoint is copied into.
   *
   * @param numSlots number of slots, which are written one after the other
   */
  record Size(int numSlots, int slotBytes) {
    private static final int SLOT_BYTES = 16 << 20;
    private static final int MIN_SLOT_BYTES = 4096;
    private static final int NUM_THREADS = Math.max(1, Math.min(4, cores() / 2));

    /** Slots that keep all threads busy while others are filled. */
    private static final int NUM_SLOTS = NUM_THREADS + 2;

    private static int cores() {
      return Runtime.getRuntime().availableProcessors();
    }

    /**
     * Returns a few slots, for a caller that waits for the disk.
     *
     * @param bytes to be written
     */
    static Size passing(long bytes) {
      int slotBytes = (int) Math.max(MIN_SLOT_BYTES, Math.min(SLOT_BYTES, roundedUp(bytes)));
      return new Size((int) Math.min(NUM_SLOTS, bytes / slotBytes + 1), slotBytes);
    }

    private static long roundedUp(long bytes) {
      return (bytes + MIN_SLOT_BYTES - 1) / MIN_SLOT_BYTES * MIN_SLOT_BYTES;
    }

    /**
     * Returns slots for all that is written, one more for each kind's file, or as many as fit.
     *
     * @param limit bytes that may be taken
     */
    static Size holding(long bytes, long limit) {
      Size few = passing(bytes);
      long all = bytes / few.slotBytes + 1 + StateKind.values().length;
      long fitting = Math.max(few.numSlots, limit / few.slotBytes);
      return new Size((int) Math.min(Integer.MAX_VALUE, Math.min(all, fitting)), few.slotBytes);
    }

    /**
     * Returns a line for the user.
     *
     * @param toWrite bytes of a checkpoint that are to be written
     */
    String describe(long toWrite) {
      double gibibytes = (double) numSlots * slotBytes / (1L << 30);
      String plan =
          "async save: %.2f GiB of host memory for %.2f GiB of a checkpoint"
              .formatted(gibibytes, (double) toWrite / (1L << 30));
      return (long) numSlots * slotBytes >= toWrite
          ? plan
          : "WARNING: " + plan + ": memory is short, so a save waits until the rest is written";
    }

    /**
     * Opens a writer on a stage.
     *
     * @param stages makes a stage from a number of slots and their size in bytes
     */
    StagedWriter open(BiFunction<Integer, Integer, HostStage> stages) {
      return new StagedWriter(stages.apply(numSlots, slotBytes), NUM_THREADS);
    }
  }
}
