package io.tanuki4j.optim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.tanuki4j.error.UserException;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class LossScalerTest {
  /** Written by tools/reference/loss_scales.py. */
  private static JsonArray traces() throws IOException {
    try (Reader reader =
        new InputStreamReader(
            Objects.requireNonNull(LossScalerTest.class.getResourceAsStream("loss-scales.json")),
            StandardCharsets.UTF_8)) {
      return JsonParser.parseReader(reader).getAsJsonArray();
    }
  }

  @Test
  void answers_overflows_as_megatron_core_does() throws IOException {
    JsonArray traces = traces();
    assertThat(traces).hasSize(6);
    for (JsonElement trace : traces) {
      follow(trace.getAsJsonObject());
    }
  }

  /** Half of the way, it continues in a new scaler. */
  private static void follow(JsonObject trace) {
    LossScaling config =
        new LossScaling(
            trace.get("initial").getAsDouble(),
            trace.get("min").getAsDouble(),
            trace.get("window").getAsDouble(),
            trace.get("hysteresis").getAsInt());
    LossScaler scaler = new LossScaler(config);
    JsonArray steps = trace.getAsJsonArray("steps");
    for (int i = 0; i < steps.size(); i++) {
      if (i == steps.size() / 2) {
        Map<String, Object> state = scaler.state();
        scaler = new LossScaler(config);
        scaler.restore(state);
      }
      JsonArray step = steps.get(i).getAsJsonArray();
      scaler.update(step.get(0).getAsInt() == 0);
      assertThat(scaler.state())
          .as("after update %d", i)
          .isEqualTo(
              Map.of(
                  "scale", step.get(1).getAsDouble(),
                  "growth_tracker", step.get(2).getAsLong(),
                  "hysteresis_tracker", step.get(3).getAsLong()));
    }
  }

  @Test
  void a_constant_scale_stays_and_has_no_state() {
    LossScaler scaler = new LossScaler(LossScaling.constant(128));
    for (int i = 0; i < 5000; i++) {
      scaler.update(i % 3 == 0);
    }
    assertThat(scaler.scale()).isEqualTo(128);
    assertThat(scaler.state()).isEmpty();
    scaler.restore(Map.of("scale", 64.0, "growth_tracker", 1, "hysteresis_tracker", 2));
    assertThat(scaler.scale()).isEqualTo(128);
  }

  @Test
  void a_run_without_a_scaled_loss_before_starts_the_scale_anew() {
    LossScaler scaler = new LossScaler(new LossScaling(4096, 1, 1000, 2));
    scaler.restore(Map.of());
    assertThat(scaler.scale()).isEqualTo(4096);
  }

  @Test
  void rejects_a_state_without_a_number() {
    LossScaler scaler = new LossScaler(new LossScaling(4096, 1, 1000, 2));
    assertThatThrownBy(() -> scaler.restore(Map.of("scale", 2.0, "growth_tracker", "x")))
        .isInstanceOf(UserException.class)
        .hasMessage(
            "the checkpoint's state of the loss scale has growth_tracker: x (expected: a number)."
                + " Use --no-load-optim to start the optimizer anew.");
  }
}
