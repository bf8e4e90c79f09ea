package io.tanuki4j.cli;

import io.tanuki4j.flags.MegatronFlags;
import io.tanuki4j.flags.PretrainOptions;
import io.tanuki4j.run.Assembly;
import io.tanuki4j.run.Checkpoints;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/**
 * Computes the loss of a checkpoint on validation and test data, with the settings of its training.
 */
@Command(
    name = "evaluate",
    modelTransformer = MegatronFlags.class,
    description = {
      "Prints the loss of a checkpoint on the validation and test data.",
      "Needs --load only: model, tokenizer, data and batches are the checkpoint's. Flags win."
    })
final class EvaluateCommand implements Callable<Integer>, RunCommand {
  @Mixin final PretrainOptions options = PretrainOptions.ofEvaluation();
  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    Assembly.evaluate(resolve(System.getenv()), System.out);
    return 0;
  }

  @Override
  public PretrainOptions.Resolved resolve(Map<String, String> environment) {
    return options.resolve(spec, environment, Checkpoints::arguments);
  }
}
