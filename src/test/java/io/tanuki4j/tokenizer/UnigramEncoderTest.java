package io.tanuki4j.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.sentencepiece.SpTokenizer;
import io.tanuki4j.error.UserException;
import io.tanuki4j.tokenizer.SentencePieceModel.Kind;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Compares the ids with those of the native library. */
class UnigramEncoderTest {
  private static final String RULES = "src/test/resources/tokenizer/unigram_rules.model";
  private static final String USER_PIECES =
      "src/test/resources/tokenizer/unigram_specials_user_defined.model";
  private static final String PLAIN = "tokenizer/ja_en_8k_unigram_identity.model";

  /** Characters and words on which preparation and cuts depend. */
  private static final List<String> PARTS =
      List.of(
          " ",
          "  ",
          "\u2581",
          "\u3000",
          "\t",
          "\n",
          "\r\n",
          "\u00a0",
          "the",
          "The ",
          "ing",
          "、",
          "。",
          "吾輩は",
          "猫である",
          "ｶﾞ",
          "ガ",
          "①",
          "½",
          "ﬁ",
          "é",
          "e\u0301",
          "\u200d",
          "\ufeff",
          "𠮟",
          "😀",
          "👨\u200d👩\u200d👧",
          "ꙮ",
          "ꙮꙮ",
          "\u0001",
          "\u007f",
          "<s>",
          "</s>",
          "<unk>",
          "<0x41>",
          "<EOD>",
          "<CLS>",
          "<MASK>",
          "0",
          "1234",
          "…",
          "\uffff",
          "🇯🇵",
          "Å",
          "ß",
          "İ",
          "\u0000");

  @TempDir private Path dir;

  @ParameterizedTest
  @ValueSource(strings = {PLAIN, RULES, USER_PIECES})
  void the_ids_of_a_corpus_are_those_of_the_native_library(String file) throws IOException {
    List<String> texts = new ArrayList<>();
    for (String language : List.of("ja", "en")) {
      List<String> documents = BundledCorpus.documents(language);
      texts.addAll(documents.subList(0, file.equals(PLAIN) ? 100 : 20));
    }
    assertSame(Path.of(file), texts);
  }

  /** Protobuf lets the last value of a field count, so a model is changed by what follows it. */
  @ParameterizedTest
  @CsvSource({
    "false, false, true, false",
    "false, true, true, false",
    "true, false, true, false",
    "true, true, false, false",
    "true, false, false, true",
    "false, true, true, true",
    "true, true, true, true"
  })
  void the_ids_of_made_texts_are_those_of_the_native_library(
      boolean addsBlank, boolean removesBlanks, boolean marksBlanks, boolean blanksBehind)
      throws IOException {
    for (String file : List.of(PLAIN, RULES, USER_PIECES)) {
      ByteArrayOutputStream model = new ByteArrayOutputStream();
      model.writeBytes(Files.readAllBytes(Path.of(file)));
      message(model, 2, new byte[] {(byte) 0xc0, 1, (byte) (blanksBehind ? 1 : 0)});
      byte one = 1;
      byte none = 0;
      message(
          model,
          3,
          new byte[] {
            24, addsBlank ? one : none, 32, removesBlanks ? one : none, 40, marksBlanks ? one : none
          });
      Path changed = Files.write(dir.resolve("changed.model"), model.toByteArray());
      assertSame(changed, madeTexts(400));
    }
  }

  /** Scores are all 0, so that many ways are equally good, and most characters are unknown. */
  @Test
  void unknown_characters_in_a_row_are_one_where_the_model_has_no_bytes() throws IOException {
    ModelBytes model = new ModelBytes().piece("<unk>", Kind.UNKNOWN);
    for (String text : List.of("a", "b", "ab", "ba", "\u2581", "\u2581a", "の", "のa")) {
      model.piece(text, Kind.NORMAL);
    }
    model.piece("b\u2581", Kind.UNUSED).trainerSpec().normalizerSpec(true, true);
    Path file = Files.write(dir.resolve("small.model"), model.toByteArray());
    assertSame(file, texts(List.of("a", "b", "ab", "の", "x", "xx", " ", "ꙮ", "😀"), 1000));
    assertThat(encoder(file.toString()).encode("aꙮꙮ")).hasSize(2);
  }

  /** Pieces of frequent characters, which have large scores, and some that overlap. */
  @Test
  void user_defined_pieces_win_where_the_native_library_says_so() throws IOException {
    ByteArrayOutputStream model = new ByteArrayOutputStream();
    model.writeBytes(Files.readAllBytes(Path.of(PLAIN)));
    List<String> pieces = List.of("のの", "ののの", "、の", "e t", "▁▁t", "ののe", " ");
    for (String text : pieces) {
      ByteArrayOutputStream piece = new ByteArrayOutputStream();
      message(piece, 1, text.getBytes(StandardCharsets.UTF_8));
      piece.writeBytes(new byte[] {24, 4});
      message(model, 1, piece.toByteArray());
    }
    List<String> texts = texts(List.of("の", "、", "e", " ", "t", "the", "ののの", "\u2581"), 1000);
    assertSame(Files.write(dir.resolve("user.model"), model.toByteArray()), texts);
    byte[] removing = {32, 1};
    message(model, 3, removing);
    assertSame(Files.write(dir.resolve("removing.model"), model.toByteArray()), texts);
  }

  @Test
  void other_models_are_left_to_the_library() {
    Path bpe = Path.of("src/test/resources/tokenizer/bpe_user_symbols.model");
    assertThat(UnigramEncoder.of(SentencePieceModel.read(bpe))).isEmpty();
  }

  /** Words of a random alphabet, some the beginning of others, and all bytes. */
  @Test
  void a_trie_finds_each_key_and_no_other() {
    Random random = new Random(3);
    byte[][] keys =
        IntStream.range(0, 30_000)
            .mapToObj(
                i -> {
                  byte[] key = new byte[1 + random.nextInt(5)];
                  random.nextBytes(key);
                  key[0] &= (byte) (i % 3 == 0 ? 0xff : 3);
                  return ByteBuffer.wrap(key);
                })
            .distinct()
            .map(ByteBuffer::array)
            .sorted(Arrays::compareUnsigned)
            .toArray(byte[][]::new);
    PieceTrie trie = new PieceTrie(keys, IntStream.range(0, keys.length).toArray());
    for (int i = 0; i < keys.length; i++) {
      assertThat(find(trie, keys[i])).isEqualTo(i);
      byte[] other = Arrays.copyOf(keys[i], keys[i].length + 1);
      other[keys[i].length] = (byte) random.nextInt();
      int expected = Arrays.binarySearch(keys, other, Arrays::compareUnsigned);
      assertThat(find(trie, other)).isEqualTo(Math.max(-1, expected));
    }
    assertThat(find(new PieceTrie(new byte[0][], new int[0]), new byte[] {0})).isEqualTo(-1);
  }

  @Test
  void damaged_rules_are_refused_or_change_nothing() {
    for (int size : new int[] {-4, 0, 3, 12}) {
      byte[] rules = new byte[12];
      ByteBuffer.wrap(rules).order(ByteOrder.LITTLE_ENDIAN).putInt(size);
      assertThatThrownBy(() -> new CharsMap(rules))
          .isInstanceOf(UserException.class)
          .hasMessage("its normalisation rules are damaged");
    }
    Random random = new Random(5);
    for (int i = 0; i < 2000; i++) {
      byte[] rules = new byte[44];
      random.nextBytes(rules);
      ByteBuffer.wrap(rules).order(ByteOrder.LITTLE_ENDIAN).putInt(32);
      CharsMap map = new CharsMap(rules);
      int[] text = new int[1];
      if (map.longest("abc".getBytes(StandardCharsets.UTF_8), 0, 3, text) > 0) {
        assertThat(map.end(text[0])).isBetween(text[0], map.texts().length);
      }
    }
  }

  private static void assertSame(Path file, List<String> texts) {
    SentencePieceModel model = SentencePieceModel.read(file);
    UnigramEncoder encoder = UnigramEncoder.of(model).orElseThrow();
    try (SpTokenizer library = new SpTokenizer(model.bytes())) {
      for (String text : texts) {
        int[] expected = library.getProcessor().encode(text);
        assertThat(encoder.encode(text)).as("%s of %s", text, file).isEqualTo(expected);
      }
    }
  }

  private static List<String> texts(List<String> parts, int count) {
    Random random = new Random(9);
    return IntStream.range(0, count)
        .mapToObj(
            i ->
                IntStream.range(0, 1 + random.nextInt(12))
                    .mapToObj(k -> parts.get(random.nextInt(parts.size())))
                    .collect(Collectors.joining()))
        .toList();
  }

  private static UnigramEncoder encoder(String file) {
    return UnigramEncoder.of(SentencePieceModel.read(Path.of(file))).orElseThrow();
  }

  private static List<String> madeTexts(int count) {
    Random random = new Random(7);
    return IntStream.range(0, count).mapToObj(i -> text(random)).toList();
  }

  private static String text(Random random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(12); i > 0; i--) {
      text.append(PARTS.get(random.nextInt(PARTS.size())));
      if (random.nextInt(8) == 0) {
        int any = random.nextInt(0x30000);
        text.appendCodePoint(any >= 0xd800 && any < 0xe000 ? 'x' : any);
      }
    }
    return text.toString();
  }

  private static int find(PieceTrie trie, byte[] key) {
    int node = PieceTrie.ROOT;
    for (byte next : key) {
      node = trie.child(node, next);
      if (node == PieceTrie.NONE) {
        return -1;
      }
    }
    return trie.value(node);
  }

  private static void message(ByteArrayOutputStream out, int field, byte[] content) {
    out.write(field << 3 | 2);
    out.write(content.length);
    out.writeBytes(content);
  }
}
