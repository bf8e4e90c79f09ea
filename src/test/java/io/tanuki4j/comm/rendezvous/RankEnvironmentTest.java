package io.tanuki4j.comm.rendezvous;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.tanuki4j.error.UserException;
import java.time.Duration;
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
          "MASTER_PORT", "1234",
          "TANUKI4J_RUN_SECRET", "sixteen or more characters");

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
    assertThat(environment.meeting().address()).isEqualTo("node7");
    assertThat(environment.meeting().port()).isEqualTo(1234);
  }

  @Test
  void leaves_the_port_that_torchruns_agent_holds_to_it() {
    assertThat(with("TORCHELASTIC_USE_AGENT_STORE", "True").meeting().port()).isEqualTo(1235);
    assertThat(with("TORCHELASTIC_USE_AGENT_STORE", "False").meeting().port()).isEqualTo(1234);
  }

  @Test
  void the_ranks_of_another_start_have_another_token() {
    assertThat(proof("TORCHELASTIC_RESTART_COUNT", "1"))
        .isEqualTo(proof("TORCHELASTIC_RESTART_COUNT", "1"))
        .isNotEqualTo(proof("TORCHELASTIC_RESTART_COUNT", "2"));
    assertThat(proof("TANUKI4J_RUN_TOKEN", "a")).isNotEqualTo(proof("TANUKI4J_RUN_TOKEN", "b"));
  }

  @Test
  void ranks_with_another_secret_cannot_prove_to_be_of_the_run() {
    assertThat(proof("TANUKI4J_RUN_SECRET", "0123456789abcdef"))
        .isNotEqualTo(proof("TANUKI4J_RUN_SECRET", "0123456789abcdeg"));
  }

  private static byte[] proof(String name, String value) {
    Call call = new Call(Call.Purpose.RENDEZVOUS, 1, 0, 8);
    return with(name, value)
        .meeting()
        .key()
        .prove(RunKey.Side.CALLER, new byte[32], new byte[32], call);
  }

  @Test
  void ranks_of_one_machine_meet_where_other_machines_do_not_come() {
    assertThat(with("LOCAL_WORLD_SIZE", "8").meeting().address()).isEqualTo("127.0.0.1");
  }

  @Test
  void ranks_of_several_machines_need_a_secret() {
    Map<String, String> open = new HashMap<>(TORCHRUN);
    open.remove("TANUKI4J_RUN_SECRET");
    assertThatThrownBy(() -> RankEnvironment.of(open))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("TANUKI4J_RUN_SECRET: not set (expected: a secret that only");
    open.put("MASTER_ADDR", "localhost");
    assertThat(RankEnvironment.of(open).meeting().isLoopback()).isTrue();
  }

  @Test
  void the_process_of_a_batch_script_is_no_rank() {
    Map<String, String> batch =
        Map.of("SLURM_PROCID", "0", "SLURM_NTASKS", "8", "SLURM_JOB_ID", "1");
    assertThat(RankEnvironment.of(batch).worldSize()).isEqualTo(1);
  }

  @Test
  void all_ranks_have_to_come_within_a_minute_unless_the_environment_says_otherwise() {
    assertThat(RankEnvironment.of(TORCHRUN).meeting().joinLimit())
        .isLessThan(Duration.ofMinutes(1));
    assertThat(with("TANUKI4J_JOIN_SECONDS", "900").meeting().joinLimit())
        .isEqualTo(Duration.ofMinutes(15));
  }

  @Test
  void reads_what_srun_sets() {
    RankEnvironment environment =
        RankEnvironment.of(
            Map.of(
                "SLURM_STEP_ID", "0",
                "TANUKI4J_RUN_SECRET", "sixteen or more characters",
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
    assertThat(environment.meeting().address()).isEqualTo("gpu07");
    assertThat(environment.meeting().port()).isBetween(29500, 49499);
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
    assertThat(environment.meeting().port()).isEqualTo(29500);
  }

  @Test
  void ranks_of_a_machine_that_are_not_counted_are_those_up_to_this_one() {
    Map<String, String> pod = Map.of("RANK", "3", "WORLD_SIZE", "4", "MASTER_ADDR", "localhost");
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
        .isInstanceOf(UserException.class)
        .hasMessage(
            "RANK: 8 (expected: an integer from 0 to 7). The launcher of the ranks sets it.");
    assertThatThrownBy(() -> with("WORLD_SIZE", "many"))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("WORLD_SIZE: many (expected: an integer from 1 on)");
    assertThatThrownBy(() -> with("MASTER_PORT", "99999"))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("MASTER_PORT: 99999 (expected: an integer from 1 to 65534)");
    assertThatThrownBy(() -> RankEnvironment.of(Map.of("RANK", "0")))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("WORLD_SIZE: not set");
    assertThatThrownBy(() -> RankEnvironment.of(Map.of("WORLD_SIZE", "2")))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("RANK: not set, but WORLD_SIZE is");
    assertThatThrownBy(() -> RankEnvironment.of(Map.of("RANK", "0", "WORLD_SIZE", "2")))
        .isInstanceOf(UserException.class)
        .hasMessageStartingWith("MASTER_ADDR: not set");
  }
}
