package io.tanuki4j.comm;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RankEnvironmentTest {
  private static final Map<String, String> TORCHRUN =
      Map.of(
          "RANK", "5",
          "WORLD_SIZE", "8",
          "LOCAL_RANK", "1",
          "LOCAL_WORLD_SIZE", "4",
          "MASTER_ADDR", "node7",
          "MASTER_PORT", "1234");

  private static RankEnvironment with(String name, String value) {
    Map<String, String> changed = new HashMap<>(TORCHRUN);
    changed.put(name, value);
    return RankEnvironment.of(changed);
  }

  @Test
  void reads_what_torchrun_sets() {
    RankEnvironment environment = RankEnvironment.of(TORCHRUN);
    assertThat(environment.globalRank()).isEqualTo(5);
    assertThat(environment.worldSize()).isEqualTo(8);
    assertThat(environment.localRank()).isEqualTo(1);
    assertThat(environment.localWorldSize()).isEqualTo(4);
    assertThat(environment.masterAddress()).isEqualTo("node7");
    assertThat(environment.masterPort()).isEqualTo(1234);
  }

  @Test
  void leaves_the_port_that_torchruns_agent_holds_to_it() {
    assertThat(with("TORCHELASTIC_USE_AGENT_STORE", "True").masterPort()).isEqualTo(1235);
    assertThat(with("TORCHELASTIC_USE_AGENT_STORE", "False").masterPort()).isEqualTo(1234);
  }

  @Test
  void the_ranks_of_another_start_have_another_token() {
    assertThat(with("TORCHELASTIC_RESTART_COUNT", "1").runToken())
        .isNotEqualTo(with("TORCHELASTIC_RESTART_COUNT", "2").runToken());
    assertThat(with("TANUKI4J_RUN_TOKEN", "secret").runToken()).isEqualTo("secret");
  }

  @Test
  void reads_what_srun_sets() {
    RankEnvironment environment =
        RankEnvironment.of(
            Map.of(
                "SLURM_PROCID", "3",
                "SLURM_NTASKS", "4",
                "SLURM_LOCALID", "1",
                "SLURM_STEP_TASKS_PER_NODE", "2(x2)",
                "SLURM_JOB_ID", "4711",
                "SLURM_STEP_NODELIST", "gpu[07,09-12]"));
    assertThat(environment.globalRank()).isEqualTo(3);
    assertThat(environment.worldSize()).isEqualTo(4);
    assertThat(environment.localRank()).isEqualTo(1);
    assertThat(environment.localWorldSize()).isEqualTo(2);
    assertThat(environment.masterAddress()).isEqualTo("gpu07");
    assertThat(environment.masterPort()).isBetween(29500, 49499);
  }

  @ParameterizedTest
  @CsvSource({
    "node1, node1",
    "'node1,node2', node1",
    "'gpu[07,09-12]', gpu07",
    "'gpu[3-5],login1', gpu3",
    "'login1,gpu[3-5]', login1",
  })
  void finds_the_first_node_of_slurms_lists(String nodes, String first) {
    assertThat(RankEnvironment.firstNode(nodes)).isEqualTo(first);
  }

  @Test
  void reads_what_mpirun_sets() {
    RankEnvironment environment =
        RankEnvironment.of(
            Map.of(
                "OMPI_COMM_WORLD_RANK", "1",
                "OMPI_COMM_WORLD_SIZE", "2",
                "OMPI_COMM_WORLD_LOCAL_RANK", "1",
                "MASTER_ADDR", "localhost"));
    assertThat(environment.globalRank()).isEqualTo(1);
    assertThat(environment.masterPort()).isEqualTo(29500);
  }

  @Test
  void ranks_of_a_machine_that_are_not_counted_are_those_up_to_this_one() {
    Map<String, String> pod = Map.of("RANK", "3", "WORLD_SIZE", "4", "MASTER_ADDR", "pod-0");
    assertThat(RankEnvironment.of(pod).localWorldSize()).isEqualTo(1);
    assertThat(with("LOCAL_WORLD_SIZE", "100").localWorldSize()).isEqualTo(8);
    assertThat(with("LOCAL_WORLD_SIZE", "1").localWorldSize()).isEqualTo(2);
  }

  @Test
  void a_gpu_is_shared_by_as_many_ranks_as_our_launcher_says_and_by_no_more_than_there_are() {
    assertThat(RankEnvironment.of(TORCHRUN).ranksPerGpu()).isEqualTo(1);
    assertThat(with("TANUKI4J_RANKS_PER_GPU", "2").ranksPerGpu()).isEqualTo(2);
    assertThat(with("TANUKI4J_RANKS_PER_GPU", "9").ranksPerGpu()).isEqualTo(4);
    assertThatThrownBy(() -> with("TANUKI4J_RANKS_PER_GPU", "0"))
        .hasMessageStartingWith("TANUKI4J_RANKS_PER_GPU: 0 (expected: an integer from 1 on)");
  }

  @Test
  void a_process_that_nobody_launched_is_the_only_rank() {
    RankEnvironment environment = RankEnvironment.of(Map.of("HOME", "/root"));
    assertThat(environment.worldSize()).isEqualTo(1);
    assertThat(environment.globalRank()).isZero();
  }

  @Test
  void refuses_what_cannot_be_right() {
    assertThatThrownBy(() -> with("RANK", "8"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "RANK: 8 (expected: an integer from 0 to 7). The launcher of the ranks sets it.");
    assertThatThrownBy(() -> with("WORLD_SIZE", "many"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("WORLD_SIZE: many (expected: an integer from 1 on)");
    assertThatThrownBy(() -> with("MASTER_PORT", "99999"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("MASTER_PORT: 99999 (expected: an integer from 1 to 65534)");
    assertThatThrownBy(() -> RankEnvironment.of(Map.of("RANK", "0")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("WORLD_SIZE: not set");
    assertThatThrownBy(() -> RankEnvironment.of(Map.of("WORLD_SIZE", "2")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("RANK: not set, but WORLD_SIZE is");
    assertThatThrownBy(() -> RankEnvironment.of(Map.of("RANK", "0", "WORLD_SIZE", "2")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("MASTER_ADDR: not set");
  }
}
