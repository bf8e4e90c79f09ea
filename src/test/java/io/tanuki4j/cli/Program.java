package io.tanuki4j.cli;

import io.tanuki4j.run.TinyLlama;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The program in a JVM of its own, as a user starts it. */
public final class Program {
  private static final int TIMEOUT_SECONDS = 120;

  private final Path log;
  private final Process process;

  private Program(Path log, Process process) {
    this.log = log;
    this.process = process;
  }

  /** What came of a run. */
  public record Result(int exitCode, String output) {
    /** The iteration lines, without the date and the time that an iteration took. */
    public List<String> iterations() {
      return new TinyLlama.Output(output).iterations();
    }
  }

  /**
   * @param folder for the output
   */
  public static Program start(Path folder, List<String> words) {
    return start(folder, List.of(), words);
  }

  /**
   * @param folder for the output
   * @param flags for the JVM
   */
  public static Program start(Path folder, List<String> flags, List<String> words) {
    try {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
          .filter(flag -> flag.startsWith("--add-modules") || flag.startsWith("-Dorg.bytedeco"))
          .forEach(command::add);
      // Short runs: what starts soon is done soon.
      command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"));
      command.addAll(flags);
      command.addAll(List.of("-cp", System.getProperty("java.class.path")));
      command.add(Main.class.getName());
      command.addAll(words);
      Path log = Files.createTempFile(folder, "output", ".log");
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      return new Program(log, process);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  public static Result run(Path folder, List<String> words) {
    return start(folder, words).await();
  }

  public Process process() {
    return process;
  }

  public String output() {
    try {
      return Files.readString(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Waits until a line of this iteration is printed, or the program has ended. */
  public void awaitIteration(int iteration) throws InterruptedException {
    String line = "iteration %8d/".formatted(iteration);
    while (!output().contains(line) && process.isAlive()) {
      Thread.sleep(20);
    }
  }

  /** Waits for the end; a program that hangs is killed, which its exit code shows. */
  public Result await() {
    try {
      if (!process.waitFor(TIMEOUT_SECONDS, TimeUnit.SECONDS)) {
        process.destroyForcibly().waitFor();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    return new Result(process.exitValue(), output());
  }
}
