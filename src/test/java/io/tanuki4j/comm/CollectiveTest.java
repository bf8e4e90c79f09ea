package io.tanuki4j.comm;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.comm.Collective.Kind;
import io.tanuki4j.comm.ProcessGroup.ReduceOp;
import io.tanuki4j.tensor.DType;
import org.junit.jupiter.api.Test;

class CollectiveTest {
  @Test
  void parts_cover_the_tensor_whatever_its_size() {
    Collective call = new Collective(Kind.ALL_REDUCE, DType.F32, 10, ReduceOp.SUM, 0);
    assertThat(new long[] {call.partStart(0, 4), call.partStart(1, 4), call.partStart(2, 4)})
        .containsExactly(0, 2, 5);
    assertThat(call.partStart(4, 4)).isEqualTo(10);
  }

  @Test
  void an_all_reduce_sends_as_much_as_reduce_scatter_and_all_gather() {
    long bytes = 0;
    for (Kind kind : new Kind[] {Kind.ALL_REDUCE, Kind.REDUCE_SCATTER, Kind.ALL_GATHER}) {
      Collective call = new Collective(kind, DType.BF16, 4096, ReduceOp.SUM, 0);
      long sent = call.bytesSent(1, 4);
      assertThat(sent).isEqualTo((kind == Kind.ALL_REDUCE ? 2 : 1) * 3 * 1024 * 2L);
      bytes += kind == Kind.ALL_REDUCE ? sent : -sent;
    }
    assertThat(bytes).isZero();
  }

  @Test
  void only_the_root_of_a_broadcast_sends() {
    Collective call = new Collective(Kind.BROADCAST, DType.I64, 100, null, 1);
    assertThat(call.bytesSent(1, 3)).isEqualTo(1600);
    assertThat(call.bytesSent(0, 3)).isZero();
  }

  @Test
  void says_what_it_is() {
    assertThat(new Collective(Kind.ALL_REDUCE, DType.F32, 7, ReduceOp.MAX, 0))
        .hasToString("all-reduce (max) of 7 F32");
    assertThat(Collective.BARRIER).hasToString("barrier");
  }
}
