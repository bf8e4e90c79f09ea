package io.tanuki4j.convert;

import io.tanuki4j.checkpoint.CheckpointConfig.Exports;
import io.tanuki4j.checkpoint.CheckpointFolders;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.ReadHold;
import io.tanuki4j.checkpoint.disk.NewFolder;
import io.tanuki4j.config.Problems;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.convert.huggingface.HfWriter;
import io.tanuki4j.error.FailureSentence;
import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import io.tanuki4j.run.Assembly;
import io.tanuki4j.train.PublishedSaves;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
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

  private final List<Format> formats;
  private final PrintStream out;
  private final ExecutorService thread =
      Executors.newSingleThreadExecutor(
          task -> {
            Thread made = new Thread(task, "hf-export");
            made.setPriority(Thread.MIN_PRIORITY);
            return made;
          });

  private SaveExports(Exports intervals, PrintStream out) {
    this.formats =
        List.of(
            new Format(HUGGING_FACE, intervals.huggingFace()),
            new Format(MEGATRON, intervals.megatron()));
    this.out = out;
  }

  /** A format, and every how many iterations it is written; null for never. */
  private record Format(String name, @Nullable Integer interval) {
    boolean isDue(long iteration) {
      return interval != null && iteration % interval == 0;
    }
  }

  /** A checkpoint in a format. */
  private record Export(Path checkpoints, int iteration, String format) {
    Path parent() {
      return checkpoints.resolve(format);
    }

    Path folder() {
      return parent().resolve(CheckpointFolders.nameOf(iteration));
    }

    ConvertOptions options() {
      return ConvertOptions.export(
          checkpoints, iteration, format, format.equals(MEGATRON) ? parent() : folder());
    }

    /** Returns whether it is there, and not of a checkpoint that has been replaced since. */
    boolean isCurrent() {
      Path checkpoint = checkpoints.resolve(CheckpointFolders.nameOf(iteration));
      try {
        return Files.getLastModifiedTime(folder()).compareTo(Files.getLastModifiedTime(checkpoint))
            >= 0;
      } catch (IOException e) {
        return false;
      }
    }

    /** Returns the command that writes it without a run. */
    String command() {
      return "tanuki4j convert --loader tanuki4j --saver %s --load-dir %s --ckpt-step %d --save-dir %s"
          .formatted(
              format,
              checkpoints,
              iteration,
              format.equals(MEGATRON) ? "NEW_FOLDER" : folder().toString());
    }
  }

  /**
   * Trains as the flags say, with the exports that they ask for.
   *
   * @throws io.tanuki4j.config.ConfigException if a format cannot hold the model
   */
  public static void pretrain(Resolved run, PrintStream out) {
    requireFits(run.config());
    try (SaveExports exports = new SaveExports(run.config().checkpoint().saving().exports(), out)) {
      Assembly.pretrain(run, out, exports);
    }
  }

  private static void requireFits(RunConfig config) {
    Integer interval = config.checkpoint().saving().exports().huggingFace();
    if (interval != null && !HfWriter.holds(config.model())) {
      Problems problems = new Problems();
      problems.add(
          "--save-hf-interval",
          interval,
          "only with the layers of Hugging Face's Llama, Qwen2 or Qwen3: RMSNorm, --swiglu, rotary"
              + " positions of whole heads",
          "Leave it out, or write --save-megatron-interval instead.");
      problems.throwIfAny();
    }
  }

  /** Removes what a killed run had begun to write, and tells what it did not come to. */
  @Override
  public void opened(Path checkpoints) {
    List<Long> iterations = new CheckpointStore(checkpoints).iterations();
    for (Format format : formats) {
      if (format.interval() != null) {
        removeUnfinished(checkpoints.resolve(format.name()));
        tellMissing(
            iterations.stream()
                .filter(format::isDue)
                .map(one -> new Export(checkpoints, Math.toIntExact(one), format.name()))
                .filter(export -> !export.isCurrent())
                .toList());
      }
    }
  }

  private void removeUnfinished(Path exports) {
    try {
      for (Path left : NewFolder.removeLeftovers(exports, "iter_[0-9]{7,9}")) {
        out.println("removed %s, which a killed run had begun to write".formatted(left));
      }
    } catch (IOException e) {
      out.println(
          "WARNING: what a killed run left in %s cannot be removed: %s"
              .formatted(exports, FailureSentence.of(e)));
    }
  }

  private void tellMissing(List<Export> missing) {
    if (!missing.isEmpty()) {
      Export last = missing.get(missing.size() - 1);
      String all =
          missing.stream()
              .map(export -> String.valueOf(export.iteration()))
              .collect(Collectors.joining(", "));
      out.println(
          "iterations whose checkpoint is not in %s, or only an older one: %s. To write one: %s"
              .formatted(last.parent(), all, last.command()));
    }
  }

  /**
   * Exports the checkpoint if that is due. An export of the one that it replaces goes at once: it
   * has other weights.
   */
  @Override
  public void published(Path checkpoints, long iteration) {
    for (Format format : formats) {
      Export export = new Export(checkpoints, Math.toIntExact(iteration), format.name());
      if (format.isDue(iteration)) {
        orWarn(export, () -> begin(export));
      } else if (Files.exists(export.folder())) {
        out.println(
            "WARNING: %s was made of an earlier checkpoint of iteration %d, which has been replaced. Remove it."
                .formatted(export.folder(), iteration));
      }
    }
  }

  private void begin(Export export) throws IOException {
    NewFolder.retract(export.folder());
    CheckpointStore store = new CheckpointStore(export.checkpoints());
    ReadHold hold = store.at(export.iteration()).hold(); // retention may come first
    thread.execute(
        () -> {
          try (hold) {
            orWarn(export, () -> write(export));
          }
        });
  }

  private void write(Export export) throws IOException {
    long start = System.nanoTime();
    Files.createDirectories(export.parent());
    NewFolder.removeLeftovers(export.parent(), export.folder().getFileName().toString());
    convert(export.options());
    double seconds = (System.nanoTime() - start) / 1e9;
    out.println(
        String.format(
            Locale.ROOT,
            "  wrote iteration %d to %s in %.1f s",
            export.iteration(),
            export.folder(),
            seconds));
  }

  /** Work that may fail without an end of the run. */
  private interface Step {
    void run() throws IOException;
  }

  private void orWarn(Export export, Step step) {
    try {
      step.run();
    } catch (IOException | RuntimeException e) {
      boolean ofDisk = e instanceof IOException || e instanceof UncheckedIOException;
      out.println(
          "WARNING: iteration %d was not written to %s: %s%s"
              .formatted(
                  export.iteration(),
                  export.parent(),
                  FailureSentence.of(e),
                  ofDisk ? " To write it later: " + export.command() : ""));
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
