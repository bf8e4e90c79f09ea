package io.tanuki4j.fuzz;

import io.tanuki4j.checkpoint.ShardedTensor;
import io.tanuki4j.convert.ConversionSource;
import io.tanuki4j.convert.MegatronFormat;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** Megatron's checkpoints and tokenizers of Hugging Face. */
final class ForeignFileKinds {
  private static final Path MEGATRON = Path.of("src/test/resources/megatron");
  private static final String TOKENIZER =
      """
      {"version": "1.0", "added_tokens": [
         {"id": 5, "content": "</s>", "single_word": false, "lstrip": false, "rstrip": false,
          "normalized": false, "special": true}],
       "decoder": {"type": "Fuse"},
       "model": {"type": "BPE", "unk_token": "?",
         "vocab": {"?": 0, "a": 1, "b": 2, "ab": 3, " ": 4, "</s>": 5}, "merges": ["a b"]}}
      """;

  private final Path folder;

  ForeignFileKinds(Path folder) {
    this.folder = folder;
  }

  List<FileKind> all() throws IOException {
    List<FileKind> kinds = new ArrayList<>();
    kinds.addAll(megatron("te/torch", "torch", Set.of("model_optim_rng.pt")));
    kinds.addAll(
        megatron(
            "vpp/torch_dist",
            "torch_dist",
            Set.of(".metadata", "__0_0.distcp", "common.pt", "metadata.json")));
    kinds.add(tokenizer());
    return kinds;
  }

  private List<FileKind> megatron(String fixture, String format, Set<String> names)
      throws IOException {
    Path copy = folder.resolve(format);
    copy(MEGATRON.resolve(fixture), copy);
    List<FileKind> kinds = new ArrayList<>();
    try (Stream<Path> files = Files.walk(copy)) {
      for (Path file : files.sorted().toList()) {
        String name = file.getFileName().toString();
        if (names.contains(name)) {
          Path other = Path.of("pom.xml");
          kinds.add(
              new FileKind(
                  format + " " + name, file, other, () -> ofMegatron(copy), FileKind::equal));
        }
      }
    }
    return kinds;
  }

  private static void copy(Path source, Path target) throws IOException {
    try (Stream<Path> files = Files.walk(source)) {
      for (Path each : files.toList()) {
        Path place = target.resolve(source.relativize(each).toString());
        if (Files.isDirectory(each)) {
          Files.createDirectories(place);
        } else {
          Files.copy(each, place);
        }
      }
    }
  }

  private static List<Object> ofMegatron(Path copy) throws IOException {
    try (ConversionSource source = MegatronFormat.open(copy, null, null)) {
      return contents(source.tensors());
    }
  }

  /** Returns names and bytes of tensors. */
  static List<Object> contents(List<ShardedTensor> tensors) throws IOException {
    List<Object> contents = new ArrayList<>();
    for (ShardedTensor tensor : tensors) {
      int bytes = Math.toIntExact(tensor.type().numBytes(tensor.shape()));
      ByteBuffer content = ByteBuffer.allocate(bytes);
      tensor.content().read(0, content);
      contents.add(tensor.name());
      contents.add(content.array());
    }
    return contents;
  }

  private FileKind tokenizer() throws IOException {
    Path tokenizer = Files.createDirectories(folder.resolve("tokenizer"));
    Path file = Files.writeString(tokenizer.resolve("tokenizer.json"), TOKENIZER);
    Files.writeString(tokenizer.resolve("tokenizer_config.json"), "{\"eos_token\": \"</s>\"}");
    return new FileKind(
        "tokenizer.json", file, Path.of("pom.xml"), () -> encoded(tokenizer), FileKind::valid);
  }

  private static List<Object> encoded(Path tokenizer) {
    try (Tokenizer opened =
        Tokenizers.open(
            new TokenizerConfig("HuggingFaceTokenizer", tokenizer, null, 0, true, 128))) {
      int[] ids = opened.encode("ab ba");
      return List.of(ids, opened.decode(ids));
    }
  }
}
