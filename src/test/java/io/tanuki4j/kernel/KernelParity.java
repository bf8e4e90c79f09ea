package io.tanuki4j.kernel;

import static io.tanuki4j.kernel.VocabParallelLossKernels.NUM_STATISTICS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.tanuki4j.kernel.ActivationKernels.Function;
import io.tanuki4j.kernel.AttentionKernels.AttentionBlock;
import io.tanuki4j.kernel.AttentionKernels.AttentionShape;
import io.tanuki4j.kernel.Fp8Kernels.Sums;
import io.tanuki4j.kernel.Fp8Kernels.Window;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.kernel.OptimizerKernels.AdamWStep;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every operation of a backend against the same one on the CPU, at sizes of real models too. Each
 * test reports its largest relative error.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
public abstract class KernelParity {
  private static final int[] ROWS = {1, 5, 130};
  private static final int[] COLUMNS = {7, 33, 64, 256, 1000, 4096, 8192};

  private static final int LONG_SEQUENCE = 2048;

  /** Those of GPT-2, and of Llama 2 with one token more, keep no row aligned. */
  private static final int[] VOCABULARIES = {7, 512, 1000, 8191, 32_000, 32_001, 50_257};

  private final Set<Method> tests = new HashSet<>();
  private TwoDevices devices;

  @BeforeAll
  void open() {
    devices = openDevices();
  }

  /** The largest number of columns and keys, for devices that take long. */
  protected int maxColumns() {
    return Integer.MAX_VALUE;
  }

  private int[] sizes(int... all) {
    return Arrays.stream(all).filter(size -> size <= maxColumns()).toArray();
  }

  /** The tested device and the CPU. */
  protected abstract TwoDevices openDevices();

  @BeforeEach
  void begin(TestInfo test) {
    devices.begin(method(test).getName() + "/" + test.getDisplayName());
  }

  @AfterEach
  void report(TestInfo test, TestReporter reporter) {
    reporter.publishEntry(
        method(test).getName() + " " + test.getDisplayName(), "%.1e".formatted(devices.largest()));
    tests.add(method(test));
  }

  private static Method method(TestInfo test) {
    return test.getTestMethod().orElseThrow();
  }

  /** A new operation fails here until a test above compares it. Skipped if not all of them ran. */
  @Test
  @Order(Integer.MAX_VALUE)
  void every_operation_of_the_contract_is_compared() {
    long numTests =
        Arrays.stream(KernelParity.class.getDeclaredMethods())
            .filter(method -> method.isAnnotationPresent(ParameterizedTest.class))
            .count();
    assumeTrue(tests.size() == numTests, "not all tests of this class ran");
    assertThat(devices.compared()).containsExactlyInAnyOrderElementsOf(CalledOperations.all());
  }

  @AfterAll
  void close() {
    devices.close();
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void products_agree(DType dtype) {
    int[][] sizes = {{1, 1, 1}, {7, 33, 5}, {64, 128, 256}, {130, 264, 1000}, {257, 96, 2048}};
    for (int[] mnk : sizes) {
      for (Op opA : Op.values()) {
        for (Op opB : Op.values()) {
          for (DType out : EnumSet.of(dtype, DType.F32)) {
            product(dtype, out, mnk, opA, opB);
          }
        }
      }
    }
  }

  /** The output layer of an odd vocabulary: logits, and the gradients of its input and weight. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void output_layers_of_odd_vocabularies_agree(DType dtype) {
    for (int vocabulary : sizes(513, 16_001, 32_001, 50_257)) {
      product(dtype, dtype, new int[] {24, vocabulary, 64}, Op.NONE, Op.TRANSPOSE);
      product(dtype, dtype, new int[] {24, 64, vocabulary}, Op.NONE, Op.NONE);
      product(dtype, DType.F32, new int[] {vocabulary, 64, 24}, Op.TRANSPOSE, Op.NONE);
    }
  }

  private void product(DType in, DType out, int[] mnk, Op opA, Op opB) {
    int m = mnk[0];
    int n = mnk[1];
    int k = mnk[2];
    devices.compareSums(
        side -> {
          boolean plainA = opA == Op.NONE;
          boolean plainB = opB == Op.NONE;
          Tensor a = side.random(in, 1, plainA ? m : k, plainA ? k : m);
          Tensor b = side.random(in, 2, plainB ? k : n, plainB ? n : k);
          Tensor product = side.undefined(out, m, n);
          Tensor sum = side.random(out, 3, m, n);
          side.kernels().matmul().matmul(product, a, opA, b, opB, Accumulate.OVERWRITE);
          side.kernels().matmul().matmul(sum, a, opA, b, opB, Accumulate.ADD);
          return List.of(product, sum);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void norms_agree(DType dtype) {
    for (int rows : ROWS) {
      for (int columns : sizes(COLUMNS)) {
        devices.compare(side -> norm(side, dtype, rows, columns));
      }
    }
  }

  private static List<Tensor> norm(TwoDevices.Side side, DType dtype, int rows, int columns) {
    Kernels kernels = side.kernels();
    Tensor x = side.random(dtype, 1, rows, columns);
    Tensor delta = side.random(dtype, 2, rows, columns);
    Tensor weight = side.random(dtype, 3, columns);
    Tensor out = side.undefined(dtype, rows, columns);
    Tensor rstd = side.undefined(DType.F32, rows);
    kernels.norm().rmsNormForward(out, rstd, x, weight, 1e-5);
    Tensor sum = side.undefined(dtype, rows, columns);
    Tensor sumOut = side.undefined(dtype, rows, columns);
    Tensor sumRstd = side.undefined(DType.F32, rows);
    kernels.norm().addRmsNormForward(sum, sumOut, sumRstd, x, delta, weight, 1e-5);
    Tensor dx = side.undefined(dtype, rows, columns);
    Tensor added = side.random(dtype, 4, rows, columns);
    Tensor dWeight = side.random(DType.F32, 5, columns);
    Tensor sameTypeDWeight = side.random(dtype, 6, columns);
    kernels.norm().rmsNormBackward(dx, dWeight, delta, x, rstd, weight, /* residual= */ null);
    kernels.norm().rmsNormBackward(added, sameTypeDWeight, delta, x, rstd, weight, added);
    Tensor wideDWeight = side.random(DType.F32, 7, columns);
    Tensor residual = side.random(dtype, 8, rows, columns);
    kernels.norm().rmsNormBackward(x, wideDWeight, delta, x, rstd, weight, residual);
    return List.of(
        out, rstd, sum, sumOut, sumRstd, dx, added, dWeight, sameTypeDWeight, x, wideDWeight);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void layer_norms_agree(DType dtype) {
    for (int rows : ROWS) {
      for (int columns : sizes(COLUMNS)) {
        devices.compare(side -> layerNorm(side, dtype, rows, columns));
      }
    }
  }

  private static List<Tensor> layerNorm(TwoDevices.Side side, DType dtype, int rows, int columns) {
    LayerNormKernels kernels = side.kernels().layerNorm();
    Tensor x = side.random(dtype, 1, rows, columns);
    Tensor dOut = side.random(dtype, 2, rows, columns);
    Tensor weight = side.random(dtype, 3, columns);
    Tensor bias = side.random(dtype, 4, columns);
    Tensor out = side.undefined(dtype, rows, columns);
    Tensor statistics = side.undefined(DType.F32, rows, 2);
    kernels.layerNormForward(out, statistics, x, weight, bias, 1e-5);
    Tensor dx = side.undefined(dtype, rows, columns);
    Tensor added = side.random(dtype, 5, rows, columns);
    Tensor dWeight = side.random(DType.F32, 6, columns);
    Tensor dBias = side.random(DType.F32, 7, columns);
    Tensor sameTypeDWeight = side.random(dtype, 8, columns);
    Tensor sameTypeDBias = side.random(dtype, 9, columns);
    kernels.layerNormBackward(
        dx, dWeight, dBias, dOut, x, statistics, weight, /* residual= */ null);
    kernels.layerNormBackward(
        added, sameTypeDWeight, sameTypeDBias, dOut, x, statistics, weight, added);
    Tensor residual = side.random(dtype, 10, rows, columns);
    kernels.layerNormBackward(x, dWeight, dBias, dOut, x, statistics, weight, residual);
    return List.of(out, statistics, dx, added, dWeight, dBias, sameTypeDWeight, sameTypeDBias, x);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void biases_agree(DType dtype) {
    for (int rows : ROWS) {
      for (int columns : sizes(COLUMNS)) {
        devices.compare(
            side -> {
              Tensor x = side.random(dtype, 1, rows, columns);
              Tensor bias = side.random(dtype, 2, columns);
              Tensor sum = side.random(DType.F32, 3, columns);
              Tensor sameType = side.random(dtype, 4, columns);
              side.kernels().elementwise().addSumOfRows(sum, x);
              side.kernels().elementwise().addSumOfRows(sameType, x);
              side.kernels().elementwise().addToRows(x, bias);
              return List.of(sum, sameType, x);
            });
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void functions_agree(DType dtype) {
    for (Function function : Function.values()) {
      for (int columns : sizes(COLUMNS)) {
        devices.compare(
            side -> {
              Tensor x = side.random(dtype, 1, 5, columns);
              Tensor dOut = side.random(dtype, 2, 5, columns);
              Tensor out = side.undefined(dtype, 5, columns);
              side.kernels().activation().forward(function, out, x);
              side.kernels().activation().backward(function, x, dOut, x);
              return List.of(out, x);
            });
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void activations_agree(DType dtype) {
    for (int rows : ROWS) {
      for (int columns : sizes(COLUMNS)) {
        devices.compare(
            side -> {
              Tensor gateUp = side.random(dtype, 1, rows, 2L * columns);
              Tensor dOut = side.random(dtype, 2, rows, columns);
              Tensor out = side.undefined(dtype, rows, columns);
              Tensor gradient = side.undefined(dtype, rows, 2L * columns);
              side.kernels().activation().swiGluForward(out, gateUp);
              side.kernels().activation().swiGluBackward(gradient, dOut, gateUp);
              side.kernels().activation().swiGluBackward(gateUp, dOut, gateUp);
              return List.of(out, gradient, gateUp);
            });
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void rotations_agree(DType dtype) {
    rotation(dtype, new AttentionShape(40, 2, 8, 2, 128), 64);
    rotation(dtype, new AttentionShape(33, 1, 4, 4, 64), 16);
    rotation(dtype, new AttentionShape(5, 3, 3, 1, 36), 9);
  }

  private void rotation(DType dtype, AttentionShape shape, int half) {
    long tokens = (long) shape.seqLength() * shape.batchSize();
    devices.compare(
        side -> {
          Tensor forward = side.random(dtype, 1, tokens, shape.qkvSize());
          Tensor backward = side.random(dtype, 1, tokens, shape.qkvSize());
          Tensor cos = side.random(DType.F32, 2, shape.seqLength(), half);
          Tensor sin = side.random(DType.F32, 3, shape.seqLength(), half);
          side.kernels().rope().ropeForward(forward, cos, sin, shape);
          side.kernels().rope().ropeBackward(backward, cos, sin, shape);
          return List.of(forward, backward);
        });
  }

  /** Rows of the tables that each token names, as with documents. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void rotations_by_rows_agree(DType dtype) {
    AttentionShape shape = new AttentionShape(40, 2, 8, 2, 32);
    devices.compare(
        side -> {
          Tensor forward = side.random(dtype, 1, 80, shape.qkvSize());
          Tensor backward = side.random(dtype, 1, 80, shape.qkvSize());
          Tensor cos = side.random(DType.F32, 2, 50, 16);
          Tensor sin = side.random(DType.F32, 3, 50, 16);
          Tensor rows = side.ids(80, 50, 4);
          side.kernels().rope().ropeForward(forward, cos, sin, rows, shape);
          side.kernels().rope().ropeBackward(backward, cos, sin, rows, shape);
          return List.of(forward, backward);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void embeddings_agree(DType dtype) {
    for (int columns : sizes(7, 64, 1000, 4096)) {
      devices.compare(
          side -> {
            Tensor tokens = side.ids(600, 50, 1);
            Tensor table = side.random(dtype, 2, 50, columns);
            Tensor out = side.undefined(dtype, 600, columns);
            Tensor dOut = side.random(dtype, 3, 600, columns);
            Tensor dTable = side.random(DType.F32, 4, 50, columns);
            Tensor sameTypeDTable = side.random(dtype, 5, 50, columns);
            side.kernels().embedding().embeddingForward(out, tokens, table, 0);
            side.kernels().embedding().embeddingBackward(dTable, dOut, tokens, 0);
            side.kernels().embedding().embeddingBackward(sameTypeDTable, dOut, tokens, 0);
            return List.of(out, dTable, sameTypeDTable);
          });
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void parts_of_embeddings_agree(DType dtype) {
    for (int columns : sizes(7, 64, 1000)) {
      devices.compare(
          side -> {
            Tensor tokens = side.ids(600, 50, 1);
            Tensor part = side.random(dtype, 2, 20, columns);
            Tensor out = side.undefined(dtype, 600, columns);
            Tensor dOut = side.random(dtype, 3, 600, columns);
            Tensor dPart = side.random(DType.F32, 4, 20, columns);
            side.kernels().embedding().embeddingForward(out, tokens, part, 25);
            side.kernels().embedding().embeddingBackward(dPart, dOut, tokens, 25);
            return List.of(out, dPart);
          });
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void losses_of_a_spread_vocabulary_agree(DType dtype) {
    for (int vocabulary : VOCABULARIES) {
      devices.compare(
          side -> {
            Kernels kernels = side.kernels();
            Tensor first = side.random(dtype, 1, 20, vocabulary);
            Tensor second = side.random(dtype, 2, 20, vocabulary - 1);
            Tensor targets = side.ids(20, 2 * vocabulary - 1, 3);
            Tensor mask = side.random(DType.F32, 4, 20);
            Tensor scale = side.of(DType.F64, 0.25);
            Tensor sums = side.of(DType.F64, new double[LossKernels.NUM_SUMS]);
            Tensor statistics = side.undefined(DType.F32, 2, NUM_STATISTICS, 20);
            kernels
                .vocabParallelLoss()
                .vocabParallelStatistics(statistics.rows(0, 1), first, targets, 0);
            kernels
                .vocabParallelLoss()
                .vocabParallelStatistics(statistics.rows(1, 2), second, targets, vocabulary);
            kernels.vocabParallelLoss().vocabParallelLoss(sums, statistics, mask, 1e-4);
            kernels
                .vocabParallelLoss()
                .vocabParallelLossBackward(first, statistics, targets, mask, scale, 0, 1e-4);
            kernels
                .vocabParallelLoss()
                .vocabParallelLossBackward(
                    second, statistics, targets, mask, scale, vocabulary, 1e-4);
            return List.of(first, second, statistics, sums);
          });
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void losses_agree(DType dtype) {
    for (int vocabulary : VOCABULARIES) {
      devices.compare(
          side -> {
            Tensor logits = side.random(dtype, 1, 20, vocabulary);
            Tensor targets = side.ids(20, vocabulary, 2);
            Tensor mask = side.random(DType.F32, 3, 20);
            Tensor scale = side.of(DType.F64, 0.25);
            Tensor sums = side.of(DType.F64, new double[LossKernels.NUM_SUMS]);
            LossKernels kernels = side.kernels().loss();
            kernels.crossEntropyForward(sums, logits, targets, mask, 1e-4);
            kernels.crossEntropyForwardBackward(sums, logits, targets, mask, scale, 1e-4);
            return List.of(logits, sums);
          });
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void plain_attention_agrees(DType dtype) {
    attention(dtype, new AttentionShape(100, 2, 4, 2, 64));
    attention(dtype, new AttentionShape(300, 1, 2, 1, 20));
    attention(dtype, new AttentionShape(150, 1, 1, 1, 200));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void attention_over_whole_tiles_agrees(DType dtype) {
    attention(dtype, new AttentionShape(128, 2, 4, 2, 64));
    attention(dtype, new AttentionShape(384, 1, 8, 2, 128));
    attention(dtype, new AttentionShape(256, 3, 3, 3, 80));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void attention_within_documents_agrees(DType dtype) {
    documents(dtype, new AttentionShape(100, 2, 4, 2, 64), 40, 90);
    documents(dtype, new AttentionShape(256, 1, 3, 1, 80), 1, 2, 130, 255);
    documents(dtype, new AttentionShape(512, 2, 8, 2, 128), 128, 300);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void attention_within_long_documents_agrees(DType dtype) {
    assumeTrue(LONG_SEQUENCE <= maxColumns(), "it would take this device too long");
    documents(dtype, new AttentionShape(LONG_SEQUENCE, 1, 8, 2, 128), 500, 600, 1900);
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void dropout_agrees(DType dtype) {
    devices.compare(
        side -> {
          Tensor x = side.random(dtype, 1, 33, 2, 1001);
          Tensor out = side.undefined(dtype, 33, 2, 1001);
          Tensor positions = side.ids(33, 5000, 2);
          side.kernels().random().dropout(out, x, positions, dropout(side));
          return List.of(out);
        });
    attention(
        dtype,
        new AttentionShape(256, 2, 4, 2, 64),
        side -> AttentionMask.NONE.withDropout(dropout(side), 4));
  }

  private static Dropout dropout(TwoDevices.Side side) {
    return new Dropout(0.1, 77, side.of(DType.I64, 5_000_000_000.0, 3));
  }

  /** Documents that begin at 0 and at these positions; in every second sequence one later. */
  private void documents(DType dtype, AttentionShape shape, int... begins) {
    double[] starts = new double[shape.seqLength() * shape.batchSize()];
    for (int i = 0; i < starts.length; i++) {
      int sample = i % shape.batchSize();
      for (int begin : begins) {
        if (begin + sample <= i / shape.batchSize()) {
          starts[i] = begin + sample;
        }
      }
    }
    attention(
        dtype,
        shape,
        side -> AttentionMask.ofDocuments(side.of(DType.I32, starts), begins.length + 1));
  }

  private void attention(DType dtype, AttentionShape shape) {
    attention(dtype, shape, side -> AttentionMask.NONE);
  }

  private interface Masks {
    AttentionMask on(TwoDevices.Side side);
  }

  private void attention(DType dtype, AttentionShape shape, Masks masks) {
    int s = shape.seqLength();
    int b = shape.batchSize();
    devices.compareAttention(
        side -> {
          AttentionMask mask = masks.on(side);
          Tensor qkv = side.random(dtype, 1, s, b, shape.qkvSize());
          Tensor dOut = side.random(dtype, 2, s, b, shape.outSize());
          Tensor out = side.undefined(dtype, s, b, shape.outSize());
          Tensor logSumExp = side.undefined(DType.F32, b, shape.numHeads(), s);
          Tensor dQkv = side.undefined(dtype, s, b, shape.qkvSize());
          side.kernels().attention().causalAttentionForward(out, logSumExp, qkv, shape, mask);
          side.kernels()
              .attention()
              .causalAttentionBackward(dQkv, dOut, out, logSumExp, qkv, shape, mask);
          return List.of(out, logSumExp, dQkv);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void blocks_of_attention_agree(DType dtype) {
    block(dtype, new AttentionBlock(new AttentionShape(100, 2, 4, 2, 64), 30));
    block(dtype, new AttentionBlock(new AttentionShape(30, 1, 2, 1, 20), 300));
    block(dtype, new AttentionBlock(new AttentionShape(256, 2, 8, 2, 128), 128));
    block(dtype, new AttentionBlock(new AttentionShape(128, 1, 3, 3, 80), 384));
  }

  private void block(DType dtype, AttentionBlock block) {
    AttentionShape queries = block.queries();
    int q = queries.seqLength();
    int b = queries.batchSize();
    int k = block.numKeys();
    devices.compareAttention(
        side -> {
          Tensor qkv = side.random(dtype, 1, q, b, queries.qkvSize());
          Tensor keyValues = side.random(dtype, 2, k, b, block.keyValueSize());
          Tensor dOut = side.random(dtype, 3, q, b, queries.outSize());
          Tensor out = side.undefined(dtype, q, b, queries.outSize());
          Tensor logSumExp = side.undefined(DType.F32, b, queries.numHeads(), q);
          Tensor dQueries = side.undefined(dtype, q, b, queries.outSize());
          Tensor dKeyValues = side.undefined(dtype, k, b, block.keyValueSize());
          side.kernels().attention().blockAttentionForward(out, logSumExp, qkv, keyValues, block);
          side.kernels()
              .attention()
              .blockAttentionBackward(
                  dQueries, dKeyValues, dOut, out, logSumExp, qkv, keyValues, block);
          return List.of(out, logSumExp, dQueries, dKeyValues);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void merged_attention_agrees(DType dtype) {
    AttentionShape shape = new AttentionShape(50, 3, 4, 2, 72);
    for (int part : new int[] {1, 25, 50}) {
      devices.compare(
          side -> {
            Tensor out = side.random(DType.F32, 1, 50, 3, shape.outSize());
            Tensor logSumExp = side.random(DType.F32, 2, 3, 4, 50);
            Tensor partOut = side.random(dtype, 3, part, 3, shape.outSize());
            Tensor partLogSumExp = side.random(DType.F32, 4, 3, 4, part);
            side.kernels()
                .attention()
                .mergeAttention(out, logSumExp, partOut, partLogSumExp, shape);
            Tensor narrow = side.random(dtype, 1, 50, 3, shape.outSize());
            Tensor sums = side.random(DType.F32, 2, 3, 4, 50);
            side.kernels().attention().mergeAttention(narrow, sums, partOut, partLogSumExp, shape);
            return List.of(out, logSumExp, narrow, sums);
          });
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void updates_agree(DType dtype) {
    for (int count : new int[] {7, 4096, 10_003}) {
      for (DType state : new DType[] {DType.F32, DType.BF16}) {
        update(dtype, DType.F32, state, count);
      }
      update(dtype, DType.F32, dtype == DType.F16 ? DType.F32 : dtype, count);
      if (dtype != DType.F16) {
        update(dtype, dtype, dtype, count);
      }
    }
  }

  private void update(DType weightType, DType masterType, DType stateType, int count) {
    devices.compare(
        side -> {
          Tensor master = side.random(masterType, 1, count);
          boolean same = weightType == masterType;
          Tensor weight = same ? master : side.undefined(weightType, count);
          Tensor first = side.random(stateType, 2, count);
          Tensor second = side.of(stateType, TwoDevices.repeated(0.3, count));
          Tensor grad = side.random(stateType, 3, count);
          Tensor factor = side.of(DType.F64, 0.7);
          AdamWStep step = new AdamWStep(0.01, 0.9, 0.999, 1e-8, 0.1, 5, 0);
          side.kernels().optimizer().adamW(weight, master, first, second, grad, factor, step);
          return List.of(weight, master, first, second);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void sums_and_conversions_agree(DType dtype) {
    for (int count : new int[] {1, 7, 4096, 100_003}) {
      devices.compare(
          side -> {
            Tensor x = side.random(dtype, 1, count);
            Tensor y = side.random(dtype, 2, count);
            Tensor squares = side.of(DType.F64, 1);
            side.kernels().optimizer().sumOfSquares(squares, x);
            Tensor wide = side.undefined(DType.F32, count);
            Tensor narrow = side.undefined(dtype == DType.F32 ? DType.BF16 : dtype, count);
            side.kernels().elementwise().copy(wide, x);
            side.kernels().elementwise().copy(narrow, wide);
            side.kernels().elementwise().add(y, x, y);
            Tensor sum = side.undefined(dtype, count);
            side.kernels().elementwise().sumParts(sum, side.random(dtype, 3, 3, count));
            Tensor filled = side.undefined(dtype, count);
            side.kernels().elementwise().fill(filled, 0.1);
            Tensor scaled = side.random(dtype, 4, count);
            side.kernels().elementwise().scale(scaled, Math.sqrt(2560));
            return List.of(squares, wide, narrow, y, sum, filled, scaled);
          });
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void copied_columns_agree(DType dtype) {
    for (int columns : sizes(33, 64, 1000)) {
      devices.compare(
          side -> {
            ElementwiseKernels kernels = side.kernels().elementwise();
            Tensor in = side.random(dtype, 1, 30, columns);
            Tensor out = side.random(dtype, 2, 30, 2L * columns);
            Tensor wide = side.random(DType.F32, 3, 30, columns);
            kernels.copyColumns(out, columns, in, 3, columns - 3, Accumulate.OVERWRITE);
            kernels.copyColumns(wide, 0, in, 1, columns - 1, Accumulate.ADD);
            return List.of(out, wide);
          });
    }
  }

  @ParameterizedTest
  @CsvSource({"0, 1", "0.7, 1", "1e30, 1", "1e30, 4294967296"})
  void clip_factors_agree(double sum, double lossScale) {
    devices.compare(
        side -> {
          Tensor norm = side.undefined(DType.F64, 1);
          Tensor factor = side.undefined(DType.F64, 1);
          Tensor squares = side.of(DType.F64, sum);
          side.kernels().optimizer().clipFactor(norm, factor, squares, 0.5, lossScale);
          return List.of(norm, factor);
        });
  }

  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2"})
  void casts_to_eight_bits_agree(DType type) {
    for (int[] size : new int[][] {{16, 16}, {32, 144}, {272, 160}}) {
      devices.compare(side -> Fp8Cases.casts(side, type, size[0], size[1]));
      devices.compareSums(side -> Fp8Cases.fused(side, type, size[0], size[1]));
    }
  }

  @ParameterizedTest
  @EnumSource(Window.class)
  void scales_of_eight_bits_agree(Window window) {
    devices.compare(side -> Fp8Cases.scales(side, window));
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void products_of_eight_bits_agree(DType out) {
    for (Sums sums : Sums.values()) {
      devices.compareFp8Sums(side -> Fp8Cases.products(side, out, sums, 32, 48, 64));
      devices.compareFp8Sums(side -> Fp8Cases.products(side, out, sums, 144, 16, 272));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void initial_weights_agree(DType dtype) {
    devices.compare(
        side -> {
          Tensor out = side.undefined(dtype, 33, 65);
          side.kernels().random().fillNormal(out, 42, 5, 11, 257, 0.02);
          return List.of(out);
        });
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void what_is_not_a_number_stays_where_it_belongs(DType dtype) {
    devices.compare(
        side -> {
          Kernels kernels = side.kernels();
          Tensor x = side.randomWithNan(dtype, 1, 9, 256);
          Tensor weight = side.random(dtype, 2, 256);
          Tensor out = side.undefined(dtype, 9, 256);
          Tensor rstd = side.undefined(DType.F32, 9);
          kernels.norm().rmsNormForward(out, rstd, x, weight, 1e-5);
          Tensor half = side.undefined(dtype, 9, 128);
          kernels.activation().swiGluForward(half, x);
          Tensor sums = side.of(DType.F64, new double[LossKernels.NUM_SUMS]);
          Tensor mask = side.of(DType.F32, TwoDevices.repeated(1, 9));
          Tensor scale = side.of(DType.F64, 1);
          kernels.loss().crossEntropyForwardBackward(sums, x, side.ids(9, 256, 3), mask, scale, 0);
          return List.of(out, rstd, half, sums, x);
        });
  }
}
