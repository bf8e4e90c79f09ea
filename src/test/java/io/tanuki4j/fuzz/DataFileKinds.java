package io.tanuki4j.fuzz;

import static java.util.Objects.requireNonNull;

import com.github.luben.zstd.ZstdOutputStream;
import io.tanuki4j.data.DataConfig;
import io.tanuki4j.data.DataConfig.Reading;
import io.tanuki4j.data.DataConfig.Sources;
import io.tanuki4j.data.Datasets;
import io.tanuki4j.data.DocumentMasks;
import io.tanuki4j.data.IndexedDataset;
import io.tanuki4j.data.SampleCounts;
import io.tanuki4j.data.TokenDataset;
import io.tanuki4j.data.preprocess.PreprocessConfig;
import io.tanuki4j.data.preprocess.Preprocessor;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.Tokenizers;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;

/** Token files, caches of sample orders, texts and tokenizers. */
final class DataFileKinds {
  private static final Path GOLDEN = Path.of("src/test/resources/golden/llama-tiny");
  private static final Path MODEL = Path.of("tokenizer/ja_en_8k_unigram_identity.model");
  private static final int VOCAB = 511;
  private static final int SEQ_LENGTH = 32;

  private final Path folder;
  private final Tokenizer ids =
      Tokenizers.open(new TokenizerConfig("NullTokenizer", null, VOCAB, 0, true, 128));

  DataFileKinds(Path folder) {
    this.folder = folder;
  }

  List<FileKind> all() throws IOException {
    for (String name : List.of("a", "b")) {
      for (String suffix : List.of(".idx", ".bin")) {
        Files.copy(GOLDEN.resolve(name + "_text_document" + suffix), folder.resolve(name + suffix));
      }
    }
    Files.copy(MODEL, folder.resolve("a.model"));
    List<FileKind> kinds = new ArrayList<>();
    kinds.add(kind(".idx", "a.idx", "b.idx", this::tokens, FileKind::equal));
    kinds.add(kind(".bin", "a.bin", "b.bin", this::tokens, FileKind::sameSizes));
    kinds.add(kind(".model", "a.model", "a.idx", this::encoded, FileKind::valid));
    kinds.addAll(texts());
    kinds.addAll(caches());
    return kinds;
  }

  private FileKind kind(
      String name,
      String file,
      String other,
      FileKind.Reading reading,
      BiPredicate<List<Object>, List<Object>> accepted) {
    return new FileKind(name, folder.resolve(file), folder.resolve(other), reading, accepted);
  }

  private List<Object> tokens() {
    try (IndexedDataset data = IndexedDataset.open(folder.resolve("a"), true)) {
      return List.of(
          IntStream.range(0, data.numSequences())
              .flatMap(i -> IntStream.of(data.sequence(i)))
              .toArray());
    }
  }

  private List<Object> encoded() {
    Path model = folder.resolve("a.model");
    try (Tokenizer tokenizer =
        Tokenizers.open(new TokenizerConfig("SentencePieceTokenizer", model, null, 0, true, 128))) {
      int[] encoded = tokenizer.encode("吾輩は猫である。 It was the best of times, 1859.");
      return List.of(encoded, tokenizer.decode(encoded));
    }
  }

  private List<FileKind> texts() throws IOException {
    String text =
        IntStream.range(0, 50)
            .mapToObj(i -> "{\"id\": %d, \"text\": \"%d %d 7 8 9\"}\n".formatted(i, i, i + 1))
            .reduce("", String::concat);
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    Files.write(folder.resolve("t.jsonl"), bytes);
    try (OutputStream gzip =
        new GZIPOutputStream(Files.newOutputStream(folder.resolve("t.jsonl.gz")))) {
      gzip.write(bytes);
    }
    try (ZstdOutputStream zstd =
        new ZstdOutputStream(Files.newOutputStream(folder.resolve("t.jsonl.zst")))) {
      zstd.setChecksum(true);
      zstd.write(bytes);
    }
    return List.of(
        kind(".jsonl", "t.jsonl", "t.jsonl.gz", () -> written("t.jsonl"), FileKind::valid),
        kind(".jsonl.gz", "t.jsonl.gz", "t.jsonl", () -> written("t.jsonl.gz"), FileKind::equal),
        kind(
            ".jsonl.zst", "t.jsonl.zst", "t.jsonl", () -> written("t.jsonl.zst"), FileKind::equal));
  }

  private List<Object> written(String input) throws IOException {
    Path prefix = folder.resolve("written");
    PreprocessConfig config =
        new PreprocessConfig(
            List.of(folder.resolve(input)), List.of("text"), prefix, true, 1, 1, false);
    Preprocessor.run(config, ids, progress -> {});
    if (input.endsWith(".jsonl")) {
      requireAllLines(folder.resolve(input), prefix);
    }
    return List.of(
        Files.readAllBytes(folder.resolve("written_text_document.bin")),
        Files.readAllBytes(folder.resolve("written_text_document.idx")));
  }

  /** A text without a checksum loses no line. */
  private static void requireAllLines(Path input, Path prefix) throws IOException {
    String[] lines = Files.readString(input).split("\n");
    long filled = Stream.of(lines).filter(line -> !line.isBlank()).count();
    try (IndexedDataset data = IndexedDataset.open(Path.of(prefix + "_text_document"), true)) {
      if (data.numDocuments() != filled) {
        throw new IllegalStateException(
            "%d documents of %d lines".formatted(data.numDocuments(), filled));
      }
    }
  }

  private List<FileKind> caches() throws IOException {
    samples();
    try (var files = Files.list(folder.resolve("cache"))) {
      return files
          .sorted()
          .map(file -> folder.relativize(file).toString())
          .map(file -> kind(suffix(file), file, "a.idx", this::samples, FileKind::equal))
          .toList();
    }
  }

  private static String suffix(String file) {
    return "cache " + file.substring(file.lastIndexOf('-') + 1);
  }

  private List<Object> samples() {
    DataConfig.Blend blend = DataConfig.Blend.parse(List.of(folder.resolve("a").toString()));
    DataConfig config =
        new DataConfig(
            new Sources(blend, null, null, null, "1"),
            new Reading(folder.resolve("cache"), true, false, 0),
            SEQ_LENGTH,
            1,
            DocumentMasks.NONE);
    try (Datasets data = Datasets.build(config, new SampleCounts(400, 0, 0), ids)) {
      TokenDataset train = requireNonNull(data.train());
      List<Object> samples = new ArrayList<>();
      for (long i = 0; i < train.size(); i++) {
        samples.add(train.sample(i));
      }
      return samples;
    }
  }
}
