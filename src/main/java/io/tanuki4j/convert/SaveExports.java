package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.CheckpointConfig.Exports;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.ReadHold;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.run.Assembly;
import io.tanuki4j.train.PublishedSaves;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Writes some of a run's checkpoints in other formats too: {@code hf/iter_0000500} in the folder of
 * {@code --save} for programs such as lm-eval and vLLM, {@code megatron/iter_0000500} for
 * Megatron-LM. One thread converts what is on the disk while training continues. A failure is a
 * warning: the checkpoint itself is whole.
 */
public final class SaveExports implements PublishedSaves, AutoCloseable {
  private static final String HUGGING_FACE = "hf";
  private static final String MEGATRON = "megatron";

  private final Exports intervals;
  private final PrintStream out;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread made = new Thread(task, "hf-export");
            made.setPriority(Thread.MIN_PRIORITY);
            return made;
          });

  private SaveExports(Exports intervals, PrintStream out) {
    this.intervals = intervals;
    this.out = out;
  }

  /** Trains as the flags say, with the exports that they ask for. */
  public static void pretrain(Resolved run, PrintStream out) {
    try (SaveExports exports = new SaveExports(run.config().checkpoint().saving().exports(), out)) {
      Assembly.pretrain(run, out, exports);
    }
  }

  @Override
  public void published(Path folder, long iteration) {
    begin(folder, iteration, HUGGING_FACE, intervals.huggingFace());
    begin(folder, iteration, MEGATRON, intervals.megatron());
  }

  private void begin(Path folder, long iteration, String format, @Nullable Integer interval) {
    if (interval != null && iteration % interval == 0) {
      ReadHold hold = new CheckpointStore(folder).at(iteration).hold(); // retention may come first
      thread.execute(
          () -> {
            export(folder, Math.toIntExact(iteration), format);
            hold.close();
          });
    }
  }

  private void export(Path checkpoints, int iteration, String format) {
    Path parent = checkpoints.resolve(format);
    Path folder = parent.resolve("iter_%07d".formatted(iteration));
    long start = System.nanoTime();
    try {
      if (Files.exists(folder)) {
        out.println("  iteration %d is in %s already".formatted(iteration, folder));
        return;
      }
      Files.createDirectories(parent);
      convert(
          ConvertOptions.export(
              checkpoints, iteration, format, format.equals(MEGATRON) ? parent : folder));
      double seconds = (System.nanoTime() - start) / 1e9;
      out.println(
          String.format(
              Locale.ROOT, "  wrote iteration %d to %s in %.1f s", iteration, folder, seconds));
    } catch (IOException | RuntimeException e) {
      String why = e instanceof UserException ? e.getMessage() : FailureSentence.of(e);
      out.println(
          "WARNING: iteration %d was not written to %s: %s".formatted(iteration, folder, why));
    }
  }

  private static void convert(ConvertOptions options) throws IOException {
    try (ConversionSource model = new OwnFormat().open(options, false)) {
      ForeignFormats.named(options.saver())
          .write(model, options, new PrintWriter(Writer.nullWriter()));
    }
  }

  /** Waits for what has begun. */
  @Override
  public void close() {
    thread.shutdown();
    try {
      thread.awaitTermination(Long.MAX_VALUE, TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
