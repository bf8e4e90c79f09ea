package io.tanuki4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.model.ModelConfig.Attention;
import io.tanuki4j.model.ModelConfig.Recompute;
import io.tanuki4j.model.ModelConfig.Sizes;
import io.tanuki4j.model.ModelConfig.Training;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * Real trained weights: stories260K of llama2.c, 260,032 parameters. The file is not part of the
 * project; {@code -Dtanuki4j.reference=FOLDER} says where stories260K.bin is.
 */
class StoriesTest {
  private static final String PROPERTY = "tanuki4j.reference";
  private static final int HEADER_BYTES = 7 * Integer.BYTES;
  private static final int BEGIN_OF_SEQUENCE = 1;
  private static final int STORY_TOKENS = 200;

  /** What fp32 keeps of a mean of log-probabilities, with a wide margin. */
  private static final double TOLERANCE = 1e-4;

  private static final ModelConfig CONFIG =
      TestModels.llama(
          new Sizes(5, 64, 172, 512, 512, 512),
          new Attention(8, 4, 8),
          true,
          new Training(0.02, 0, Recompute.NONE));

  private static final String GREEDY_BEGIN =
      "1 403 407 261 378 432 383 286 261 376 298 315 421 395 317 426 338 401 396 267 337 410 408"
          + " 419";
  private static final String HUMAN_TEXT =
      "1 403 407 261 378 432 383 286 261 262 423 388 400 428 395 392 412 444 426 392 412 444 397"
          + " 355 267 352 379 322 265 298 295 418 302 335 345 374 410 447 416 416 412 426 385 328"
          + " 432 366 272 277 264 261 352 266 268 388 318 264 285 265 259 276 411 426";

  private final TestDevice device = openDevice();
  private final TestModel model = new TestModel(device, CONFIG, DType.F32);

  /** The device of these tests. */
  TestDevice openDevice() {
    return new TestDevice();
  }

  @BeforeEach
  void load() throws IOException {
    String folder = System.getProperty(PROPERTY);
    assumeTrue(
        folder != null,
        "skipped: give -D" + PROPERTY + "=FOLDER, a folder with stories260K.bin of llama2.c");
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(folder, "stories260K.bin")));
    bytes.order(ByteOrder.LITTLE_ENDIAN).position(HEADER_BYTES);
    loadWeights(bytes.slice().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer());
  }

  @AfterEach
  void close() {
    device.close();
  }

  @Test
  void human_text_has_the_published_loss() {
    assertThat(meanCrossEntropy(ids(HUMAN_TEXT))).isCloseTo(0.900326, within(TOLERANCE));
  }

  @Test
  void first_logits_are_the_published_ones() {
    Tensor logits = device.scope().allocate(Shape.of(1, CONFIG.sizes().vocabSize()), DType.F32);
    Tensor tokens = device.ints(Shape.of(1, 1), BEGIN_OF_SEQUENCE);
    model.chunk().logits(logits, tokens, 0, device.scope());
    double[] first = {-6.22291, 8.40434, -6.22374, -6.22254, -6.22195, -6.22288};
    assertThat(Arrays.copyOf(device.read(logits), 6)).containsExactly(first, within(TOLERANCE));
  }

  @Test
  void greedy_story_has_the_published_ids_and_loss() {
    int[] story = generate();
    int[] begin = ids(GREEDY_BEGIN);
    assertThat(Arrays.copyOf(story, begin.length)).containsExactly(begin);
    assertThat(meanCrossEntropy(story)).isCloseTo(0.475192, within(TOLERANCE));
  }

  private int[] generate() {
    int[] story = new int[STORY_TOKENS];
    story[0] = BEGIN_OF_SEQUENCE;
    Tensor tokens = device.ints(Shape.of(STORY_TOKENS, 1), story);
    Tensor logits = device.scope().allocate(Shape.of(1, CONFIG.sizes().vocabSize()), DType.F32);
    for (int i = 1; i < STORY_TOKENS; i++) {
      model.chunk().logits(logits, tokens.rows(0, i), i - 1, device.scope());
      story[i] = indexOfMax(device.read(logits));
      device.write(tokens.rows(i, i + 1), story[i]);
    }
    return story;
  }

  private double meanCrossEntropy(int[] ids) {
    int count = ids.length - 1;
    Microbatch microbatch = device.microbatch(count, 1, 1, 1);
    double[] tokens = Arrays.stream(ids).asDoubleStream().toArray();
    device.write(microbatch.tokens(), Arrays.copyOfRange(tokens, 0, count));
    device.write(microbatch.targets(), Arrays.copyOfRange(tokens, 1, ids.length));
    try (MemoryScope scope = device.scope().child("evaluation")) {
      model.chunk().forward(null, TestDevice.evaluation(microbatch.withScope(scope)));
    }
    return device.read(microbatch.lossSums())[LossKernels.CROSS_ENTROPY] / count;
  }

  /** The order of the file: each kind of weight for all layers, then the next kind. */
  private void loadWeights(FloatBuffer file) {
    int hidden = CONFIG.sizes().hiddenSize();
    int ffn = CONFIG.sizes().ffnHiddenSize();
    int keys = CONFIG.attention().numQueryGroups() * CONFIG.attention().headDim();
    int[] qkvRows = {0, hidden, hidden + keys, hidden + 2 * keys};
    write(file, model.value("embedding.weight"));
    perLayer(file, "attention.norm.weight", 0, hidden, false);
    perLayer(file, "attention.qkv.weight", qkvRows[0], qkvRows[1], true);
    perLayer(file, "attention.qkv.weight", qkvRows[1], qkvRows[2], true);
    perLayer(file, "attention.qkv.weight", qkvRows[2], qkvRows[3], false);
    perLayer(file, "attention.proj.weight", 0, hidden, false);
    perLayer(file, "mlp.norm.weight", 0, hidden, false);
    perLayer(file, "mlp.gate_up.weight", 0, ffn, false);
    perLayer(file, "mlp.down.weight", 0, hidden, false);
    perLayer(file, "mlp.gate_up.weight", ffn, 2 * ffn, false);
    write(file, model.value("final_norm.weight"));
  }

  private void perLayer(
      FloatBuffer file, String name, int fromRow, int toRow, boolean interleaved) {
    for (int i = 0; i < CONFIG.sizes().numLayers(); i++) {
      Tensor rows = model.value("layers." + i + "." + name).rows(fromRow, toRow);
      write(file, rows);
      if (interleaved) {
        device.write(rows, halvesFromPairs(device.read(rows)));
      }
    }
  }

  private void write(FloatBuffer file, Tensor tensor) {
    double[] values = new double[Math.toIntExact(tensor.numElements())];
    Arrays.setAll(values, i -> file.get());
    device.write(tensor, values);
  }

  /** The rows of a head come in pairs that are rotated together; ours are half a head apart. */
  private static double[] halvesFromPairs(double[] values) {
    int columns = CONFIG.sizes().hiddenSize();
    int headDim = CONFIG.attention().headDim();
    double[] halves = new double[values.length];
    for (int row = 0; row < values.length / columns; row++) {
      int head = row / headDim;
      int pair = row % headDim / 2;
      int target = head * headDim + pair + (row % 2) * headDim / 2;
      System.arraycopy(values, row * columns, halves, target * columns, columns);
    }
    return halves;
  }

  private static int indexOfMax(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }

  private static int[] ids(String text) {
    return Arrays.stream(text.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
  }
}
