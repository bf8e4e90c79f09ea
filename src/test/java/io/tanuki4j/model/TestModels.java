package io.tanuki4j.model;

import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Layers;
import io.tanuki4j.model.ModelConfig.Rotary;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;

/** Models of tests that vary sizes only. What they leave out is Llama's. */
public final class TestModels {
  /** Positions as in Llama 2. */
  public static final Rotary ROTARY = new Rotary(1e4, 1, 1, null);

  private TestModels() {}

  /** Returns a model with Llama 2's positions and norms. */
  public static ModelConfig llama(
      Sizes sizes, Attention attention, boolean tied, Training training) {
    return new ModelConfig(sizes, attention, ROTARY, layers(tied), training);
  }

  /** Returns Llama's layers. */
  public static Layers layers(boolean tied) {
    return new Layers(1e-5, tied);
  }
}
