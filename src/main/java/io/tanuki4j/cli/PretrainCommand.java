package io.tanuki4j.cli;

import io.tanuki4j.flags.MegatronFlags;
import io.tanuki4j.flags.PretrainOptions;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Trains a model: flags to configuration, configuration to a run. */
@Command(
    name = "pretrain",
    modelTransformer = MegatronFlags.class,
    description = "Trains a Llama on token files.")
public final class PretrainCommand implements Callable<Integer>, RunCommand {
  @Mixin final PretrainOptions options = new PretrainOptions();
  @Spec CommandSpec spec;

  private final BiFunction<Path, @Nullable Integer, Optional<Map<String, @Nullable Object>>>
      checkpointArguments;
  private final Consumer<PretrainOptions.Resolved> training;

  /**
   * Makes the command.
   *
   * @param checkpointArguments reads the arguments of a folder's checkpoint of an iteration; null
   *     for the latest
   * @param training the run
   */
  public PretrainCommand(
      BiFunction<Path, @Nullable Integer, Optional<Map<String, @Nullable Object>>>
          checkpointArguments,
      Consumer<PretrainOptions.Resolved> training) {
    this.checkpointArguments = checkpointArguments;
    this.training = training;
  }

  @Override
  public Integer call() {
    training.accept(resolve(System.getenv()));
    return 0;
  }

  @Override
  public PretrainOptions.Resolved resolve(Map<String, String> environment) {
    return options.resolve(spec, environment, checkpointArguments);
  }
}
