package io.tanuki4j.run;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A run with dropout that stops and continues. */
class DropoutResumeTest {
  private static final String FLAGS = " --backend cpu --hidden-dropout 0.2 --attention-dropout 0.1";

  @TempDir Path folder;

  @Test
  void a_resumed_run_drops_what_the_whole_run_drops() {
    List<String> whole = run(" --save " + folder.resolve("whole"));
    Path saved = folder.resolve("parts");
    List<String> first = run(" --exit-interval 6 --save " + saved);
    List<String> second = run(" --save %s --load %s".formatted(saved, saved));
    assertThat(whole).hasSize(12);
    assertThat(first).isEqualTo(whole.subList(0, 6));
    assertThat(second).isEqualTo(whole.subList(6, 12));
  }

  /** The iteration lines. */
  private List<String> run(String more) {
    return TinyLlama.run(TinyLlama.words(TinyLlama.GOLDEN, folder.resolve("cache"), FLAGS + more))
        .iterations();
  }
}
