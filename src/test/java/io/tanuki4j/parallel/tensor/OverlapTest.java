package io.tanuki4j.parallel.tensor;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.comm.ProcessGroup;
import io.tanuki4j.comm.ProcessGroup.Work;
import io.tanuki4j.kernel.MatmulKernels;
import io.tanuki4j.nn.Layer;
import io.tanuki4j.nn.Microbatch;
import io.tanuki4j.parallel.ParallelContext;
import io.tanuki4j.tensor.Shape;
import io.tanuki4j.tensor.Tensor;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What runs beside what: products, and communications from their start until they are awaited. */
class OverlapTest {
  @Test
  void a_gradient_is_summed_while_that_of_the_weight_is_computed() {
    TensorRank.run(
        2,
        false,
        rank ->
            assertThat(columnParallelBackward(rank))
                .containsExactly("matmul", "allReduce starts", "matmul", "allReduce is awaited"));
  }

  @Test
  void a_shard_of_the_input_is_gathered_while_its_gradient_is_computed() {
    TensorRank.run(
        2,
        true,
        rank ->
            assertThat(columnParallelBackward(rank))
                .containsExactly(
                    "allGather starts",
                    "matmul",
                    "reduceScatter starts",
                    "allGather is awaited",
                    "matmul",
                    "reduceScatter is awaited"));
  }

  /** This rank's own shard first, the shards of ranks before it as they arrive. */
  @Test
  void a_shard_is_multiplied_while_the_next_one_arrives() {
    TensorRank.run(
        3,
        true,
        true,
        rank -> {
          List<String> events = new ArrayList<>();
          Layer<Tensor> layer = columnParallel(rank, events);
          Tensor x = rank.shardOf(rank.device().random(Shape.of(6, 2, 5), 2));
          layer.forward(rank.undefined(Shape.of(6, 2, 3)), x, rank.device().microbatch(6, 2, 9, 1));
          assertThat(events)
              .containsExactly(
                  "exchange starts",
                  "exchange starts",
                  "matmul",
                  "exchange is awaited",
                  "matmul",
                  "exchange is awaited",
                  "matmul");
        });
  }

  /** The shards of other ranks first, each sent while the next is computed. */
  @Test
  void a_part_of_a_sum_is_sent_while_the_next_one_is_computed() {
    TensorRank.run(
        3,
        true,
        true,
        rank -> {
          List<String> events = new ArrayList<>();
          MatmulKernels kernels =
              observed(MatmulKernels.class, rank.device().kernels().matmul(), events);
          Layer<Tensor> layer =
              new RowParallelLinear(
                  kernels,
                  rank.device().parameter("weight", Shape.of(5, 3), 1),
                  rank.region(observed(rank.context(), events)));
          Tensor x = rank.device().random(Shape.of(6, 2, 3), 2);
          layer.forward(rank.undefined(Shape.of(2, 2, 5)), x, rank.device().microbatch(6, 2, 9, 1));
          assertThat(events)
              .containsExactly(
                  "matmul",
                  "exchange starts",
                  "matmul",
                  "exchange starts",
                  "matmul",
                  "exchange is awaited",
                  "exchange is awaited");
        });
  }

  private static List<String> columnParallelBackward(TensorRank rank) {
    List<String> events = new ArrayList<>();
    Layer<Tensor> layer = columnParallel(rank, events);
    Microbatch microbatch = rank.device().microbatch(4, 2, 9, 1);
    Tensor x = rank.shardOf(rank.device().random(Shape.of(4, 2, 5), 2));
    layer.backward(
        rank.undefined(x.shape()), x, rank.device().random(Shape.of(4, 2, 3), 3), microbatch);
    return events;
  }

  private static Layer<Tensor> columnParallel(TensorRank rank, List<String> events) {
    MatmulKernels kernels = observed(MatmulKernels.class, rank.device().kernels().matmul(), events);
    return new ColumnParallelLinear(
        kernels,
        rank.device().parameter("weight", Shape.of(3, 5), 1),
        rank.region(observed(rank.context(), events)));
  }

  private static ParallelContext observed(ParallelContext context, List<String> events) {
    return new ParallelContext(
        context.grid(),
        context.globalRank(),
        context.world(),
        observed(ProcessGroup.class, context.tp(), events),
        context.cp(),
        context.dp(),
        context.dpCp(),
        context.pp(),
        context.embedding());
  }

  /** The same object, with an event for each operation. */
  private static <T> T observed(Class<T> type, T target, List<String> events) {
    Object observer =
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              Object result = method.invoke(target, arguments);
              if (result instanceof Work work) {
                events.add(method.getName() + " starts");
                return observed(work, method.getName(), events);
              }
              if (method.getReturnType() == void.class) {
                events.add(method.getName());
              }
              return result;
            });
    return type.cast(observer);
  }

  private static Work observed(Work work, String name, List<String> events) {
    return () -> {
      work.await();
      events.add(name + " is awaited");
    };
  }
}
