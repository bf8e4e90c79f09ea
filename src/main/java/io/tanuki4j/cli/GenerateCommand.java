package io.tanuki4j.cli;

import io.tanuki4j.checkpoint.Checkpoint;
import io.tanuki4j.checkpoint.ReadHold;
import io.tanuki4j.config.BackendConfig;
import io.tanuki4j.config.BackendConfig.Kind;
import io.tanuki4j.config.Problems;
import io.tanuki4j.generate.InferenceModel;
import io.tanuki4j.generate.Sampler;
import io.tanuki4j.kernel.Backend;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.run.Backends;
import io.tanuki4j.run.Checkpoints;
import io.tanuki4j.run.SavedArguments;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Lets a checkpoint's model continue a text, to see what it has learnt. */
@Command(name = "generate", description = "Continues a text with the model of a checkpoint.")
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
      required = true,
      description = "Where the text begins.")
  String prompt = "";

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
      write(tokenizer, model);
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
    problems.oneOf("--backend", backend, Kind.words());
    problems.throwIfAny();
  }

  /** Prints the prompt, then each generated piece of text as it arrives. */
  private void write(Tokenizer tokenizer, InferenceModel model) {
    PrintWriter out = spec.commandLine().getOut();
    int[] ids = tokenizer.encode(prompt);
    if (ids.length == 0) {
      ids = new int[] {tokenizer.eodId()};
    }
    int shown = 0;
    Sampler sampler = new Sampler(temperature, topK, topP, seed);
    for (int i = 0; i <= maxNewTokens; i++) {
      String text = tokenizer.decode(ids);
      int whole = text.endsWith("\uFFFD") && i < maxNewTokens ? shown : text.length();
      out.print(text.substring(Math.min(shown, whole), whole));
      out.flush();
      shown = Math.max(shown, whole);
      if (i == maxNewTokens) {
        break;
      }
      int[] window =
          Arrays.copyOfRange(ids, Math.max(0, ids.length - model.maxTokens()), ids.length);
      int next = sampler.choose(model.next(window), tokenizer.vocabSize());
      if (next == tokenizer.eodId()) {
        break;
      }
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = next;
    }
    out.println();
    out.flush();
  }
}
