package io.tanuki4j.generate;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.generate.TextGenerator.Limits;
import io.tanuki4j.generate.TextGenerator.NextToken;
import io.tanuki4j.tokenizer.Tokenizer;
import io.tanuki4j.tokenizer.TokenizerConfig;
import io.tanuki4j.tokenizer.Tokenizers;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TextGeneratorTest {
  private static Tokenizer tokenizer;

  @BeforeAll
  static void open() {
    Path model = Path.of("tokenizer/ja_en_8k_unigram_identity.model");
    tokenizer =
        Tokenizers.open(new TokenizerConfig("SentencePieceTokenizer", model, null, 0, true, 128));
  }

  @AfterAll
  static void close() {
    tokenizer.close();
  }

  @Test
  void the_text_follows_the_prompt_piece_by_piece() {
    List<String> pieces = generate("It was", 100, List.of(), spelled("a cat."));

    assertThat(pieces.get(0)).isEqualTo("It was");
    assertThat(pieces).hasSizeGreaterThan(2);
    assertThat(String.join("", pieces)).isEqualTo("It was a cat.");
  }

  @Test
  void the_number_of_new_tokens_is_the_limit() {
    int[] ids = spelled("a cat sat on a mat");

    assertThat(String.join("", generate("It was", 2, List.of(), ids)))
        .isEqualTo("It was " + tokenizer.decode(Arrays.copyOf(ids, 2)));
  }

  /** The tokenizer's special tokens are ids that a model gives some probability like any other. */
  @ParameterizedTest
  @ValueSource(strings = {"<CLS>", "<SEP>", "<MASK>"})
  void special_tokens_are_never_written(String special) {
    int mark = tokenizer.encode(special)[0];

    assertThat(String.join("", generate("It was", 1, List.of(), mark, spelled("a")[0])))
        .isEqualTo("It was a");
    assertThat(String.join("", generate(special + "It was", 100, List.of()))).isEqualTo("It was");
  }

  @Test
  void a_text_ends_before_the_first_stop_even_if_that_spans_tokens() {
    int[] ids = spelled("a black cat. The end");

    assertThat(String.join("", generate("It was", 100, List.of("t. T", "never"), ids)))
        .isEqualTo("It was a black ca");
  }

  @Test
  void the_beginning_of_a_stop_that_does_not_come_is_written() {
    assertThat(String.join("", generate("It was", 100, List.of(" cats and"), spelled("a cat"))))
        .isEqualTo("It was a cat");
  }

  @Test
  void stops_in_the_prompt_end_nothing() {
    assertThat(String.join("", generate("It was", 100, List.of("was"), spelled("a cat"))))
        .isEqualTo("It was a cat");
  }

  @Test
  void no_piece_ends_in_half_a_character() {
    List<String> pieces = generate("猫は", 100, List.of(), spelled("🦝でした"));

    assertThat(pieces).noneMatch(piece -> piece.contains("\uFFFD"));
    assertThat(String.join("", pieces)).isEqualTo("猫は 🦝でした");
  }

  @Test
  void a_prompt_and_its_new_tokens_may_be_more_than_the_model_looks_at() {
    NextToken model = wanting(1);
    int room = model.maxTokens() - spelled("It was").length + 1;

    assertThat(generator(model, room, List.of()).exceedsModel("It was")).isFalse();
    assertThat(generator(model, room + 1, List.of()).exceedsModel("It was")).isTrue();
  }

  private static int[] spelled(String text) {
    return tokenizer.encode(text);
  }

  /** Generates with a model that wants these tokens, and then the end of the document. */
  private static List<String> generate(
      String prompt, int maxNewTokens, List<String> stops, int... wanted) {
    List<String> pieces = new ArrayList<>();
    generator(wanting(spelled(prompt).length, wanted), maxNewTokens, stops)
        .generate(prompt, pieces::add);
    return pieces;
  }

  private static TextGenerator generator(NextToken model, int maxNewTokens, List<String> stops) {
    Limits limits = new Limits(maxNewTokens, stops);
    return new TextGenerator(model, tokenizer, new Sampler(0, 0, 1, 1), limits);
  }

  private static NextToken wanting(int promptLength, int... wanted) {
    return new NextToken() {
      @Override
      public int maxTokens() {
        return 1000;
      }

      @Override
      public FloatBuffer next(int[] tokens) {
        float[] logits = new float[tokenizer.vocabSize()];
        int written = tokens.length - Math.max(1, promptLength);
        for (int i = written; i < wanted.length; i++) {
          logits[wanted[i]] = Math.max(logits[wanted[i]], 100 - i);
        }
        logits[tokenizer.eodId()] = 1;
        return FloatBuffer.wrap(logits);
      }
    };
  }
}
