package io.tanuki4j.run;

import io.tanuki4j.backend.cuda.PlantedFaults;
import io.tanuki4j.cli.Main;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * One rank of a real run on GPUs, in a process of its own, in which something may break. The run
 * knows nothing of that: another thread of the process breaks the GPU. Arguments: a {@link Fault},
 * the rank in which it happens, a folder for sample orders, and more flags.
 */
public final class FaultyRank {
  private static final long GIBIBYTE = 1L << 30;

  /** Whose gradients and optimizer take several GiB. */
  private static final String LARGE =
      "--num-layers 8 --hidden-size 2048 --ffn-hidden-size 5632 --num-attention-heads 16"
          + " --global-batch-size 4";

  private FaultyRank() {}

  /** What breaks. */
  enum Fault {
    NONE,
    /** A kernel ends with an error after the third iteration. */
    TRAP,
    /** A kernel that never ends has the whole GPU after the third iteration. */
    HANG,
    /** Somebody else has the GPU's memory before the run begins. */
    FULL,
    /** Somebody else takes the GPU's memory while the rank takes its own. */
    FILLED
  }

  /** Does what {@code tanuki4j pretrain} does, except that its output can be watched. */
  public static void main(String[] arguments) throws InterruptedException {
    Fault fault = Fault.valueOf(arguments[0]);
    if (arguments[1].equals(System.getenv("RANK"))) {
      plant(fault, Integer.parseInt(System.getenv("LOCAL_RANK")));
    }
    boolean large = fault == Fault.FULL || fault == Fault.FILLED;
    List<String> more = List.of(arguments).subList(3, arguments.length);
    List<String> words =
        TinyLlama.words(
            large ? LARGE : TinyLlama.GOLDEN,
            Path.of(arguments[2]),
            "--distributed-backend nccl --bf16 --distributed-timeout-minutes 1",
            String.join(" ", more));
    words.add(0, "pretrain");
    words.removeIf(String::isEmpty);
    System.exit(Main.run(Main.commandLine(), words.toArray(String[]::new)));
  }

  private static void plant(Fault fault, int gpu) throws InterruptedException {
    switch (fault) {
      case NONE -> {}
      case TRAP -> plantAfter(3, () -> PlantedFaults.trap(gpu));
      case HANG -> plantAfter(3, () -> PlantedFaults.occupy(gpu));
      case FULL -> PlantedFaults.fill(gpu, 0, 3 * GIBIBYTE);
      case FILLED -> start(() -> PlantedFaults.fill(gpu, 3 * GIBIBYTE, 0));
    }
  }

  /** Something that breaks the GPU. */
  private interface Breaking {
    void run() throws Exception;
  }

  private static void plantAfter(int iteration, Breaking breaking) {
    CountDownLatch reached = new CountDownLatch(1);
    PrintStream out = System.out;
    System.setOut(
        new PrintStream(
            new OutputStream() {
              @Override
              public void write(int b) {
                out.write(b);
              }

              @Override
              public void write(byte[] bytes, int from, int length) {
                out.write(bytes, from, length);
                String text = new String(bytes, from, length, StandardCharsets.UTF_8);
                if (text.contains("iteration %8d/".formatted(iteration))) {
                  reached.countDown();
                }
              }
            },
            true,
            StandardCharsets.UTF_8));
    start(
        () -> {
          reached.await();
          breaking.run();
        });
  }

  private static void start(Breaking breaking) {
    Thread thread =
        new Thread(
            () -> {
              try {
                breaking.run();
                System.out.println("planted");
              } catch (Exception e) {
                System.out.println("not planted: " + e);
              }
            },
            "fault");
    thread.setDaemon(true);
    thread.start();
  }
}
