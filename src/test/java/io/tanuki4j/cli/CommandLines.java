package io.tanuki4j.cli;

import io.tanuki4j.config.ConfigException;
import io.tanuki4j.config.RunConfig;
import io.tanuki4j.flags.PretrainOptions.Resolved;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;

/** Resolves command lines of {@code pretrain} without starting a run. */
public final class CommandLines {
  /** The shortest Llama that is valid, on one dataset with a NullTokenizer. */
  static final String SMALLEST =
      "--num-layers 2 --hidden-size 64 --num-attention-heads 4 --seq-length 32"
          + " --max-position-embeddings 32 --position-embedding-type rope --normalization RMSNorm"
          + " --swiglu --disable-bias-linear --attention-dropout 0 --hidden-dropout 0"
          + " --micro-batch-size 2 --train-iters 10 --lr 1e-3"
          + " --tokenizer-type NullTokenizer --vocab-size 99 --data-path DIR/text_document"
          + " --split 8,1,1";

  private final Path folder;
  private Map<String, @Nullable Object> checkpoint = Map.of();
  private Map<String, String> environment = Map.of();

  public CommandLines(Path folder) throws IOException {
    this.folder = folder;
    for (String name : List.of("text_document", "other_document")) {
      Files.write(folder.resolve(name + ".idx"), new byte[0]);
      Files.write(folder.resolve(name + ".bin"), new byte[0]);
    }
    Files.writeString(folder.resolve("small.model"), "");
  }

  CommandLines withCheckpoint(Map<String, @Nullable Object> arguments) {
    checkpoint = arguments;
    return this;
  }

  CommandLines withEnvironment(Map<String, String> variables) {
    environment = variables;
    return this;
  }

  /** DIR in the words stands for the folder. */
  Resolved resolve(String words) {
    return resolve(split(words));
  }

  Resolved resolve(List<String> words) {
    PretrainCommand command = new PretrainCommand((path, iteration) -> Optional.empty(), run -> {});
    CommandLine commandLine = new CommandLine(command);
    commandLine.parseArgs(words.toArray(String[]::new));
    return command.options.resolve(
        command.spec,
        environment,
        (path, iteration) -> checkpoint.isEmpty() ? Optional.empty() : Optional.of(checkpoint));
  }

  public RunConfig config(String more) {
    return resolve(SMALLEST + " " + more).config();
  }

  /** The sentences of a command line that is refused; DIR stands for the folder. */
  List<String> problems(List<String> words) {
    try {
      resolve(words);
      return List.of();
    } catch (ConfigException e) {
      return String.valueOf(e.getMessage())
          .lines()
          .map(line -> line.replace(folder.toString(), "DIR"))
          .toList();
    }
  }

  List<String> problems(String words) {
    return problems(split(words));
  }

  List<String> split(String words) {
    List<String> list = new ArrayList<>();
    for (String word : words.strip().split(" +", -1)) {
      list.add(word.equals("''") ? "" : word.replace("DIR", folder.toString()));
    }
    return list;
  }
}
