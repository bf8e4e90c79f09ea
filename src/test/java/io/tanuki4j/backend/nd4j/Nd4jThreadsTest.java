package io.tanuki4j.backend.nd4j;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.Accumulate;
import io.tanuki4j.kernel.Device;
import io.tanuki4j.kernel.GuardedMemory;
import io.tanuki4j.kernel.Kernels;
import io.tanuki4j.kernel.LossKernels;
import io.tanuki4j.kernel.MatmulKernels.Op;
import io.tanuki4j.tensor.DType;
import io.tanuki4j.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;

class Nd4jThreadsTest {
  private static final int TOKENS = 300;
  private static final int HIDDEN = 96;
  private static final int VOCAB = 500;
  private static final int RANKS = 3;

  /** ND4J's own threads, and ranks that are threads. */
  @Test
  void results_do_not_depend_on_threads() throws Exception {
    Nd4j.getEnvironment().setMaxMasterThreads(2);
    List<byte[]> alone = results();
    ExecutorService ranks = Executors.newFixedThreadPool(RANKS);
    try {
      List<Future<List<byte[]>>> together = new ArrayList<>();
      for (int i = 0; i < RANKS; i++) {
        together.add(ranks.submit(Nd4jThreadsTest::results));
      }
      for (Future<List<byte[]>> one : together) {
        assertThat(one.get()).hasSameSizeAs(alone);
        for (int i = 0; i < alone.size(); i++) {
          assertThat(one.get().get(i)).as("output %d", i).isEqualTo(alone.get(i));
        }
      }
    } finally {
      ranks.shutdown();
    }
    assertThat(Nd4j.getEnvironment().maxMasterThreads()).isEqualTo(1);
  }

  private static List<byte[]> results() {
    try (Nd4jBackend backend = new Nd4jBackend();
        Device device = backend.openDevice(0);
        GuardedMemory memory = new GuardedMemory(device)) {
      return step(device.kernels(), memory).stream().map(memory::bytes).toList();
    }
  }

  private static List<Tensor> step(Kernels kernels, GuardedMemory memory) {
    double[] ids = new Random(3).ints(TOKENS, 0, 7).asDoubleStream().toArray();
    Tensor tokens = memory.of(DType.I32, ids, TOKENS);
    Tensor x = memory.random(DType.F32, 1, TOKENS, HIDDEN);
    Tensor table = memory.random(DType.F32, 2, VOCAB, HIDDEN);
    Tensor logits = memory.undefined(DType.F32, TOKENS, VOCAB);
    Tensor sums = memory.filled(DType.F64, 0, LossKernels.NUM_SUMS);
    Tensor mask = memory.filled(DType.F32, 1, TOKENS);
    Tensor scale = memory.filled(DType.F64, 0.1, 1);
    Tensor squares = memory.filled(DType.F64, 0, 1);
    kernels.matmul().matmul(logits, x, Op.NONE, table, Op.TRANSPOSE, Accumulate.OVERWRITE);
    kernels.loss().crossEntropyForwardBackward(sums, logits, tokens, mask, scale, 1e-3);
    kernels.embedding().embeddingBackward(table, x, tokens, 0);
    kernels.optimizer().sumOfSquares(squares, logits);
    return List.of(logits, sums, table, squares);
  }
}
