package io.tanuki4j.parallel.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.kernel.MemoryScope;
import io.tanuki4j.nn.Embedding;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.Linear;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.nn.Parameter;
import io.tanuki4j.nn.TestDevice;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Each layer on some ranks against its twin with the whole weight on one. */
class TensorParallelLayersTest {
  private static final int SEQ_LENGTH = 8;
  private static final int BATCH_SIZE = 2;
  private static final int IN = 8;
  private static final int OUT = 12;
  private static final double Z_LOSS = 0.01;

  /** Several chunks, and a last one that is smaller. */
  private static final int CHUNK_TOKENS = 5;

  /** Ranks, and how they share the sequence and their messages. */
  private record Layout(int numRanks, boolean sequenceParallel, boolean overlaps) {
    void run(Consumer<TensorRank> body) {
      TensorRank.run(numRanks, sequenceParallel, overlaps, body);
    }
  }

  static List<Layout> layouts() {
    return List.of(
        new Layout(1, true, true),
        new Layout(2, false, false),
        new Layout(2, true, false),
        new Layout(2, true, true),
        new Layout(4, false, true),
        new Layout(4, true, false),
        new Layout(4, true, true));
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void column_parallel_linear_equals_its_dense_twin(Layout layout) {
    layout.run(
        rank -> {
          Dense dense = Dense.linear(rank.device());
          Parameter own = rank.rowsOf(dense.weight);
          Layer<Tensor> layer =
              new ColumnParallelLinear(rank.device().kernels().matmul(), own, rank.region());
          Tensor x = rank.shardOf(dense.x);
          Tensor out = rank.undefined(Shape.of(SEQ_LENGTH, BATCH_SIZE, OUT / layout.numRanks()));
          Tensor dx = rank.undefined(x.shape());

          Tensor saved = layer.forward(out, x, dense.microbatch);
          layer.backward(dx, saved, rank.columnsOf(dense.dOut), dense.microbatch);

          rank.assertSame("out", out, rank.columnsOf(dense.out));
          rank.assertSame("dx", dx, rank.shardOf(dense.dx));
          rank.assertSame("dW", own.grad(), rank.rowsOf(dense.weight.grad()));
        });
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void row_parallel_linear_equals_its_dense_twin(Layout layout) {
    layout.run(
        rank -> {
          Dense dense = Dense.linear(rank.device());
          Parameter own = rank.columnsOf(dense.weight);
          Layer<Tensor> layer =
              new RowParallelLinear(rank.device().kernels().matmul(), own, rank.region());
          Tensor x = rank.columnsOf(dense.x);
          Tensor dOut = rank.shardOf(dense.dOut);
          Tensor out = rank.undefined(dOut.shape());
          Tensor dx = rank.undefined(x.shape());

          layer.backward(dx, layer.forward(out, x, dense.microbatch), dOut, dense.microbatch);

          rank.assertSame("out", out, rank.shardOf(dense.out));
          rank.assertSame("dx", dx, rank.columnsOf(dense.dx));
          rank.assertSame("dW", own.grad(), rank.columnsOf(dense.weight.grad()));
        });
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void vocab_parallel_embedding_equals_its_dense_twin(Layout layout) {
    layout.run(
        rank -> {
          TestDevice device = rank.device();
          Microbatch microbatch = device.microbatch(SEQ_LENGTH, BATCH_SIZE, OUT, 3);
          Parameter whole = device.parameter("table", Shape.of(OUT, IN), 1);
          Tensor dOut = device.random(Shape.of(SEQ_LENGTH, BATCH_SIZE, IN), 2);
          Tensor expected = rank.undefined(dOut.shape());
          Embedding dense = new Embedding(device.kernels(), whole, false);
          dense.forward(expected, microbatch);
          dense.backward(dOut, microbatch);
          Parameter own = rank.rowsOf(whole);
          VocabParallelEmbedding embedding =
              new VocabParallelEmbedding(device.kernels(), own, false, rank.region());

          Tensor out = embedding.forward(microbatch);
          embedding.backward(rank.shardOf(dOut), microbatch);

          rank.assertSame("out", out, rank.shardOf(expected));
          rank.assertSame("dW", own.grad(), rank.rowsOf(whole.grad()));
        });
  }

  @ParameterizedTest
  @MethodSource("layouts")
  void vocab_parallel_head_equals_its_dense_twin(Layout layout) {
    layout.run(
        rank -> {
          TestDevice device = rank.device();
          Microbatch microbatch = microbatchForHead(device);
          Parameter whole = device.parameter("output", Shape.of(OUT, IN), 1);
          Tensor x = device.random(Shape.of(SEQ_LENGTH, BATCH_SIZE, IN), 2);
          Tensor dense = rank.copy(x);
          TensorRegion alone = rank.region(ParallelContext.single(device.device()));
          new VocabParallelHead(device.kernels(), whole, Z_LOSS, alone, CHUNK_TOKENS)
              .forward(dense, microbatch);
          Tensor expected = rank.copy(microbatch.lossSums());
          device.kernels().elementwise().fill(microbatch.lossSums(), 0);
          Parameter own = rank.rowsOf(whole);
          VocabParallelHead head =
              new VocabParallelHead(device.kernels(), own, Z_LOSS, rank.region(), CHUNK_TOKENS);

          Tensor shard = rank.shardOf(rank.copy(x));
          head.forward(shard, TestDevice.evaluation(microbatch));
          rank.assertSame("x of an evaluation", shard, rank.shardOf(x));
          rank.assertSame("losses of an evaluation", microbatch.lossSums(), expected);

          device.kernels().elementwise().fill(microbatch.lossSums(), 0);
          head.forward(shard, microbatch);
          rank.assertSame("losses", microbatch.lossSums(), expected);
          rank.assertSame("dx", shard, rank.shardOf(dense));
          rank.assertSame("dW", own.grad(), rank.rowsOf(whole.grad()));
        });
  }

  @ParameterizedTest(name = "{0} ranks")
  @CsvSource({"2", "4"})
  void every_rank_finds_the_same_losses_to_the_last_bit(int numRanks) {
    double[][] found = new double[numRanks][];
    TensorRank.run(
        numRanks,
        true,
        rank -> {
          TestDevice device = rank.device();
          Microbatch microbatch = microbatchForHead(device);
          Parameter own = rank.rowsOf(device.parameter("output", Shape.of(OUT, IN), 1));
          Tensor x = device.random(Shape.of(SEQ_LENGTH, BATCH_SIZE, IN), 2);
          new VocabParallelHead(device.kernels(), own, Z_LOSS, rank.region(), CHUNK_TOKENS)
              .forward(rank.shardOf(x), microbatch);
          found[rank.context().globalRank()] = device.read(microbatch.lossSums());
        });
    for (double[] sums : found) {
      assertThat(sums).containsExactly(found[0]);
    }
  }

  private static Microbatch microbatchForHead(TestDevice device) {
    Microbatch microbatch = device.microbatch(SEQ_LENGTH, BATCH_SIZE, OUT, 3);
    double[] mask = new double[SEQ_LENGTH * BATCH_SIZE];
    for (int i = 0; i < mask.length; i++) {
      mask[i] = i % 4 / 2.0;
    }
    device.write(microbatch.lossMask(), mask);
    return microbatch;
  }

  /** A whole linear layer, its input and gradients. */
  private record Dense(
      Microbatch microbatch, Parameter weight, Tensor x, Tensor out, Tensor dOut, Tensor dx) {
    static Dense linear(TestDevice device) {
      Parameter weight = device.parameter("weight", Shape.of(OUT, IN), 1);
      Tensor x = device.random(Shape.of(SEQ_LENGTH, BATCH_SIZE, IN), 2);
      Tensor dOut = device.random(Shape.of(SEQ_LENGTH, BATCH_SIZE, OUT), 3);
      Tensor out = device.random(dOut.shape(), 0);
      Tensor dx = device.random(x.shape(), 0);
      Microbatch microbatch = device.microbatch(SEQ_LENGTH, BATCH_SIZE, OUT, 3);
      Linear linear = new Linear(device.kernels().matmul(), weight);
      try (MemoryScope scope = device.scope().child("dense")) {
        Microbatch scoped = microbatch.withScope(scope);
        linear.backward(dx, linear.forward(out, x, scoped), dOut, scoped);
      }
      return new Dense(microbatch, weight, x, out, dOut, dx);
    }
  }
}
