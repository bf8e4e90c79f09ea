package io.tanuki4j.fuzz;

import com.google.gson.Gson;
import io.tanuki4j.checkpoint.CheckpointStore;
import io.tanuki4j.checkpoint.safetensors.SafetensorsReader;
import io.tanuki4j.cli.Main;
import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.HuggingFaceFormat;
import io.tanuki4j.convert.OwnFormat;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import picocli.CommandLine;

/** Checkpoints, Hugging Face folders and argument files. */
final class ModelFileKinds {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/llama-tiny/hf");
  private static final String WEIGHTS = "model.safetensors";
  private static final String SHARD = "model-00001-of-00001.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private final Path folder;

  ModelFileKinds(Path folder) {
    this.folder = folder;
  }

  List<FileKind> all() throws IOException {
    Path plain = Files.createDirectories(folder.resolve("hf"));
    Path sharded = Files.createDirectories(folder.resolve("sharded"));
    for (String name : List.of("config.json", WEIGHTS)) {
      Files.copy(GOLDEN.resolve(name), plain.resolve(name));
    }
    Files.copy(GOLDEN.resolve("config.json"), sharded.resolve("config.json"));
    Files.copy(GOLDEN.resolve(WEIGHTS), sharded.resolve(SHARD));
    writeIndex(sharded);
    List<FileKind> kinds = new ArrayList<>();
    kinds.add(huggingFace("config.json", plain, "config.json", FileKind::sameSizes));
    kinds.add(huggingFace("hf safetensors", plain, WEIGHTS, FileKind::sameSizes));
    kinds.add(huggingFace("hf index", sharded, INDEX, FileKind::equal));
    kinds.addAll(checkpoint(plain));
    kinds.add(arguments());
    return kinds;
  }

  private static FileKind huggingFace(
      String name, Path hf, String file, BiPredicate<List<Object>, List<Object>> accepted) {
    return new FileKind(
        name, hf.resolve(file), Path.of("pom.xml"), () -> ofHuggingFace(hf), accepted);
  }

  private static void writeIndex(Path sharded) throws IOException {
    Map<String, String> places = new TreeMap<>();
    try (SafetensorsReader reader = SafetensorsReader.open(sharded.resolve(SHARD))) {
      reader.tensors().forEach(tensor -> places.put(tensor.name(), SHARD));
    }
    Files.writeString(sharded.resolve(INDEX), new Gson().toJson(Map.of("weight_map", places)));
  }

  private static List<Object> ofHuggingFace(Path hf) throws IOException {
    try (ConversionSource source = HuggingFaceFormat.open(hf, null)) {
      return ForeignFileKinds.contents(source.tensors());
    }
  }

  private List<FileKind> checkpoint(Path hf) throws IOException {
    Path saved = folder.resolve("checkpoint");
    String said =
        run(
            "convert --loader hf --saver tanuki4j --load-dir %s --save-dir %s"
                .formatted(hf, saved));
    List<Path> files;
    try (var all = Files.walk(saved)) {
      files =
          all.filter(file -> file.toFile().length() > 0 && Files.isRegularFile(file))
              .sorted()
              .toList();
    }
    if (files.isEmpty()) {
      throw new IOException(said);
    }
    return files.stream()
        .map(
            file ->
                new FileKind(
                    "checkpoint " + file.getFileName(),
                    file,
                    hf.resolve("config.json"),
                    () -> ofCheckpoint(saved),
                    FileKind::equal))
        .toList();
  }

  private static List<Object> ofCheckpoint(Path saved) throws IOException {
    CheckpointStore store = new CheckpointStore(saved);
    try (ConversionSource source = OwnFormat.open(store.latest().orElseThrow(), null, true)) {
      List<Object> contents = ForeignFileKinds.contents(source.tensors());
      contents.add(source.state());
      return contents;
    }
  }

  private FileKind arguments() throws IOException {
    Path file = folder.resolve("plan.args");
    Files.writeString(
        file,
        """
        # a small model
        --num-layers 2 --hidden-size 64 --num-attention-heads 4 --seq-length 32
        --max-position-embeddings 32 --position-embedding-type "rope" --normalization 'RMSNorm'
        --swiglu --disable-bias-linear --attention-dropout 0 --hidden-dropout 0
        --micro-batch-size 2 --train-iters 10 --lr 1e-3 --tokenizer-type NullTokenizer --vocab-size 99
        """);
    return new FileKind(
        ".args", file, folder.resolve("hf/config.json"), () -> planned(file), FileKind::valid);
  }

  private static List<Object> planned(Path file) {
    return List.of(run("plan @" + file));
  }

  /** Returns what the command says; a refusal is a failure with its sentence. */
  private static String run(String words) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine = Main.commandLine();
    commandLine.setOut(new PrintWriter(out)).setErr(new PrintWriter(err));
    int code = Main.run(commandLine, words.split(" "));
    if (code != 0) {
      throw new Refused(err.toString());
    }
    return out.toString();
  }

  /** What the user reads of a command that failed. */
  static final class Refused extends io.tanuki4j.error.UserException {
    private static final long serialVersionUID = 1;

    Refused(String said) {
      super(said);
    }
  }
}
