package io.tanuki4j.cli;

import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.ForeignFormat;
import io.tanuki4j.convert.ForeignFormats;
import io.tanuki4j.error.UserException;
import io.tanuki4j.flags.ConvertOptions;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Converts weights from one format to another, tensor by tensor in little memory. */
@Command(
    name = "convert",
    description = {
      "Converts a model between Hugging Face folders, checkpoints of Megatron-LM and of this program, and"
          + " checkpoints into the shards of another number of ranks.",
      "From checkpoint to checkpoint all of the run's state is kept. A Hugging Face folder has only"
          + " weights: load what comes from one with --finetune, or with --no-load-optim"
          + " --no-load-rng."
    })
public final class ConvertCommand implements Callable<Integer> {
  @Mixin final ConvertOptions options = new ConvertOptions();
  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    options.validate(ForeignFormats.forFlags());
    ForeignFormat loader = ForeignFormats.named(options.loader());
    ForeignFormat saver = ForeignFormats.named(options.saver());
    boolean withOptimizer = saver.keepsOptimizer() && !options.noLoadOptim;
    try (ConversionSource model = loader.open(options, withOptimizer)) {
      checkVocabulary(model);
      saver.write(model, options, spec.commandLine().getOut());
    }
    return 0;
  }

  private void checkVocabulary(ConversionSource model) {
    int rows = model.model().vocabSize();
    if (model.vocabSize() > rows) {
      throw new UserException(
          "--true-vocab-size: %d (expected: at most the %d rows of the model in %s)."
              .formatted(model.vocabSize(), rows, options.loadDir()));
    }
  }
}
