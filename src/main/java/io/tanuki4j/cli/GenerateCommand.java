package io.tanuki4j.cli;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.ReadHold;
import io.tanuki4j.config.BackendConfig;
import io.tanuki4j.config.BackendConfig.Kind;
import io.tanuki4j.config.Problems;
import io.tanuki4j.error.UserException;
import io.tanuki4j.generate.InferenceModel;
import io.tanuki4j.generate.Sampler;
import io.tanuki4j.generate.TextGenerator;
import io.tanuki4j.generate.TextGenerator.Limits;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.run.Backends;
import io.tanuki4j.run.Checkpoints;
import io.tanuki4j.run.SavedArguments;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lets a checkpoint's model continue texts, to see what it has learnt. */
@Command(
    name = "generate",
    description = {
      "Continues texts with the model of a checkpoint, and prints each token as it arrives.",
      "Without --prompt, each line of the standard input is a prompt."
    })
final class GenerateCommand implements Callable<Integer> {
  @Option(names = "--load", paramLabel = "DIR", required = true, description = "The checkpoints.")
  Path load = Path.of("");

  @Option(
      names = "--ckpt-step",
      paramLabel = "N",
      description = "Iteration of the checkpoint (default: the latest).")
  @Nullable Integer iteration;

  @Option(
      names = "--tokenizer-model",
      paramLabel = "FILE",
      description = "Tokenizer (default: the one that the checkpoint was trained with).")
  @Nullable Path tokenizerModel;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      description = "Where a text begins. May be given several times.")
  @Nullable List<String> prompts;

  @Option(
      names = "--stop",
      paramLabel = "TEXT",
      description = "Ends a text before these words. May be given several times.")
  List<String> stops = List.of();

  @Option(names = "--max-new-tokens", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
  int maxNewTokens = 100;

  @Option(
      names = "--temperature",
      paramLabel = "X",
      description = "0 takes the most probable token (default: ${DEFAULT-VALUE}).")
  double temperature = 1;

  @Option(
      names = "--top-k",
      paramLabel = "K",
      description = "Draw from the K most probable tokens; 0 for all (default: ${DEFAULT-VALUE}).")
  int topK;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      description =
          "Draw from the most probable tokens whose probabilities reach P (default:"
              + " ${DEFAULT-VALUE}).")
  double topP = 1;

  @Option(
      names = "--backend",
      paramLabel = "cpu|cuda|nd4j",
      description = "Default: cuda if a GPU can be used.")
  @Nullable String backend;

  @Option(names = "--cuda-lib-dir", paramLabel = "DIR", description = "Where CUDA's libraries are.")
  @Nullable Path cudaLibDir;

  @Option(names = "--seed", paramLabel = "N", description = "Default: ${DEFAULT-VALUE}.")
  long seed = 1234;

  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    checkOptions();
    Checkpoint checkpoint = Checkpoints.find(load, iteration);
    SavedArguments saved = SavedArguments.of(checkpoint);
    try (ReadHold untilLoaded = checkpoint.hold();
        Tokenizer tokenizer = Tokenizers.open(saved.tokenizer(tokenizerModel));
        Backend devices =
            Backends.choose(
                    new BackendConfig(Kind.of(backend), cudaLibDir, false), 1, System.getenv())
                .backend();
        Device device = devices.openDevice(0);
        InferenceModel model =
            new InferenceModel(device, checkpoint, saved.shape().model(), tokenizer)) {
      untilLoaded.close();
      Sampler sampler = new Sampler(temperature, topK, topP, seed);
      write(new TextGenerator(model, tokenizer, sampler, new Limits(maxNewTokens, stops)));
    }
    return 0;
  }

  private void checkOptions() {
    Problems problems = new Problems();
    if (maxNewTokens < 1) {
      problems.add("--max-new-tokens", maxNewTokens, "1 or more", "Give a larger number.");
    }
    if (!(temperature >= 0)) {
      problems.add("--temperature", temperature, "0 or more", "Use 0 for the likeliest text.");
    }
    if (topK < 0) {
      problems.add("--top-k", topK, "0 or more", "Use 0 for all tokens.");
    }
    if (!(topP > 0 && topP <= 1)) {
      problems.add("--top-p", topP, "above 0, at most 1", "Use 1 for all tokens.");
    }
    if (stops.contains("")) {
      problems.add("--stop", "''", "a text of one character or more", "Leave it out.");
    }
    problems.oneOf("--backend", backend, Kind.words());
    problems.throwIfAny();
  }

  private void write(TextGenerator generator) {
    if (prompts != null) {
      prompts.forEach(prompt -> write(generator, prompt));
      return;
    }
    try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, UTF_8))) {
      int numPrompts = 0;
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        write(generator, line);
        numPrompts++;
      }
      if (numPrompts == 0) {
        throw new UserException(
            "--prompt: none, and no line on the standard input (expected: a text)."
                + " Give --prompt TEXT, or a prompt a line.");
      }
    } catch (IOException e) {
      throw new UserException("The standard input cannot be read: " + e.getMessage(), e);
    }
  }

  private void write(TextGenerator generator, String prompt) {
    PrintWriter out = spec.commandLine().getOut();
    if (generator.exceedsModel(prompt)) {
      PrintWriter err = spec.commandLine().getErr();
      err.println(
          "tanuki4j generate: WARNING: the prompt and --max-new-tokens %d are more than the model was trained on"
                  .formatted(maxNewTokens)
              + " (--seq-length): beyond it, each token follows from the last of them alone.");
      err.flush();
    }
    generator.generate(
        prompt,
        text -> {
          out.print(text);
          out.flush();
        });
    out.println();
    out.flush();
  }
}
