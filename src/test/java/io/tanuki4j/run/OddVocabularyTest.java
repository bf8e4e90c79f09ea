package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import io.tanuki4j.error.UserException;
import io.tanuki4j.run.TinyLlama.Output;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Runs of a vocabulary of 515, as an imported one may be: it is not padded. */
class OddVocabularyTest {
  private static final double SUMS_IN_ANOTHER_ORDER = 1e-4;

  @TempDir Path folder;

  private Output run(String... flags) {
    return TinyLlama.run(
        TinyLlama.words(
            TinyLlama.GOLDEN + " " + TinyLlama.ODD_VOCABULARY, folder.resolve("cache"), flags));
  }

  @Test
  void unequal_shards_have_the_losses_of_one_rank() {
    String cpu = "--backend cpu --train-iters 6";
    String shards =
        "--distributed-backend local --local-ranks 2 --tensor-model-parallel-size 2"
            + " --sequence-parallel";
    assertClose(run(cpu, shards), run(cpu), SUMS_IN_ANOTHER_ORDER);
  }

  @Test
  void ids_without_a_row_are_refused() {
    String tokenizer =
        "--tokenizer-type SentencePieceTokenizer"
            + " --tokenizer-model tokenizer/ja_en_8k_unigram_identity.model";
    assertThatExceptionOfType(UserException.class)
        .isThrownBy(() -> run(tokenizer, "--backend cpu --padded-vocab-size 7999"))
        .withMessage(
            "padded_vocab_size: 7999 rows of the model (expected: at least the 8000 ids of the"
                + " tokenizer). Use the tokenizer that the model was trained with."
                + " SentencePieceTokenizer adds ids to those of its model; Llama2Tokenizer and"
                + " GPTSentencePieceTokenizer add none.");
  }

  /** Losses near 6; in BF16 the two devices round the same sums at different places. */
  @Tag("gpu")
  @ParameterizedTest
  @CsvSource({"'', 1e-4", "' --bf16', 0.02"})
  void gpu_has_the_losses_of_the_cpu(String type, double tolerance) {
    assertClose(run("--backend cuda" + type), run("--backend cpu" + type), tolerance);
  }

  private static void assertClose(Output actual, Output expected, double tolerance) {
    assertClose(actual.losses(), expected.losses(), tolerance);
    assertClose(actual.evaluations(), expected.evaluations(), tolerance);
  }

  private static void assertClose(List<Double> actual, List<Double> expected, double tolerance) {
    assertThat(actual).hasSameSizeAs(expected).isNotEmpty();
    for (int i = 0; i < expected.size(); i++) {
      assertThat(actual.get(i)).as("loss %d", i).isCloseTo(expected.get(i), within(tolerance));
    }
  }
}
