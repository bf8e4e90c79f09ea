package io.tanuki4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.checkpoint.Manifest.StoredTensor;
import io.tanuki4j.checkpoint.ShardedTensor.Region;
import io.tanuki4j.checkpoint.TrainState.RankPiece;
import io.tanuki4j.checkpoint.TrainState.StateKind;
import io.tanuki4j.checkpoint.safetensors.SafetensorsWriter.ElementType;
import io.tanuki4j.tensor.Shape;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a run is told whose numbers have other types than the checkpoint's. */
class TensorMatcherTest {
  private static final Path FOLDER = Path.of("run", "iter_0000001");
  private static final Shape SHAPE = Shape.of(3);
  private static final String ANEW = "or start without it by --no-load-optim or --finetune.";
  private static final List<String> MOMENTS = List.of("exp_avg.a", "exp_avg_sq.a");
  private static final List<String> WITH_MAIN_WEIGHTS =
      List.of("exp_avg.a", "exp_avg_sq.a", "fp32_param.a");

  @ParameterizedTest
  @CsvSource({"true, false, --bf16", "false, true, --fp16", ", , --bf16 or --fp16"})
  void main_weights_that_the_run_lacks_name_the_flag(Boolean bf16, Boolean fp16, String flag) {
    Map<String, Object> arguments = bf16 == null ? Map.of() : Map.of("bf16", bf16, "fp16", fp16);
    assertThatThrownBy(() -> match(arguments, WITH_MAIN_WEIGHTS, MOMENTS))
        .hasMessage(
            FOLDER
                + ": its optimizer state does not fit: 1 tensor is not part of this run"
                + " (fp32_param.a). It was trained with %s (main weights in fp32), and this run is"
                    .formatted(flag)
                + " not. Give %s, %s".formatted(flag, ANEW));
  }

  @Test
  void main_weights_that_the_checkpoint_lacks_name_the_flags() {
    assertThatThrownBy(
            () -> match(Map.of("bf16", false, "fp16", false), MOMENTS, WITH_MAIN_WEIGHTS))
        .hasMessageContaining("1 tensor is missing in it (fp32_param.a). It was trained in fp32,")
        .hasMessageEndingWith("Give neither --bf16 nor --fp16, " + ANEW);
    assertThatThrownBy(() -> match(Map.of("bf16", true), MOMENTS, WITH_MAIN_WEIGHTS))
        .hasMessageContaining("trained with --bf16 --main-params-dtype bf16, and this run is not.")
        .hasMessageEndingWith("Give --bf16 --main-params-dtype bf16, " + ANEW);
  }

  @Test
  void other_differences_are_not_put_down_to_the_type() {
    assertThatThrownBy(() -> match(Map.of("bf16", true), WITH_MAIN_WEIGHTS, List.of("exp_avg.b")))
        .hasMessageEndingWith(
            "exp_avg_sq.a, fp32_param.a). Add --no-load-optim or --finetune to"
                + " start without it.");
    assertThat(match(Map.of("bf16", true), WITH_MAIN_WEIGHTS, WITH_MAIN_WEIGHTS)).hasSize(3);
  }

  private static Map<String, StoredTensor> match(
      Map<String, Object> arguments, List<String> stored, List<String> wanted) {
    TrainState state = new TrainState(1, 0, 0, 5, Map.of(), Map.of(), Map.copyOf(arguments));
    Manifest manifest =
        new Manifest(
            state,
            List.of(),
            stored.stream()
                .map(
                    name ->
                        new StoredTensor(
                            name, StateKind.OPTIMIZER, ElementType.F32, SHAPE, List.of()))
                .toList());
    List<RankPiece> pieces =
        wanted.stream()
            .map(
                name ->
                    new RankPiece(
                        StateKind.OPTIMIZER,
                        name,
                        ElementType.F32,
                        List.of(3L),
                        Region.whole(SHAPE)))
            .toList();
    return new TensorMatcher(FOLDER, manifest, StateKind.OPTIMIZER).match(pieces, 5);
  }
}
