package io.tanuki4j.convert;

import io.tanuki4j.flags.ConvertOptions;
import io.tanuki4j.tokenizer.HuggingFaceFiles;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A format of models that {@code convert} reads and writes. {@link ForeignFormats} lists them. */
public interface ForeignFormat {
  /** Returns its names in {@code --loader} and {@code --saver}; messages show the first. */
  List<String> names();

  /**
   * Opens the model in {@code --load-dir}.
   *
   * @param withOptimizer whether to include the optimizer's state, if there is any
   * @throws io.tanuki4j.error.UserException if there is none, it is damaged or of another format
   */
  ConversionSource open(ConvertOptions options, boolean withOptimizer) throws IOException;

  /** Returns the files of the tokenizer that a model of this format came with. */
  default HuggingFaceFiles tokenizer(ConvertOptions options, ConversionSource model)
      throws IOException {
    return CarriedTokenizer.of(options.loadDir(), model);
  }

  /**
   * Writes a model into {@code --save-dir}, and compares what it wrote unless {@code --no-checking}
   * is given.
   *
   * @param out gets lines about progress and result
   */
  void write(ConversionSource model, ConvertOptions options, PrintWriter out) throws IOException;

  /** Returns whether it keeps the optimizer's state. */
  default boolean keepsOptimizer() {
    return false;
  }

  /** Returns why it is not written in the parts of ranks; null if it is. */
  default @Nullable String whyWhole() {
    return null;
  }
}
