package io.tanuki4j.launch.options;

import io.tanuki4j.config.Problems;
import java.util.Map;
import picocli.CommandLine.Option;

/** What the run computes on. */
public final class RunOptions {
  private static final String CPU = "nd4j";

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "nd4j: the CPU. (A flag of Tanuki4J, not of Megatron.)")
  String backend = CPU;

  void check(Map<String, String> environment, Problems problems) {
    if (!backend.equals(CPU)) {
      problems.add(
          "--backend",
          backend,
          CPU,
          backend.equals("cuda")
              ? "GPUs are not built: write --backend nd4j, and leave out --bf16."
              : "Write --backend nd4j.");
    }
    checkWorld("WORLD_SIZE", environment, problems);
    checkWorld("OMPI_COMM_WORLD_SIZE", environment, problems);
  }

  private static void checkWorld(String name, Map<String, String> environment, Problems problems) {
    String value = environment.get(name);
    if (value != null && !value.strip().equals("1")) {
      problems.add(
          name,
          value,
          "1 or unset",
          "This version runs as one process: start it without torchrun or mpirun.");
    }
  }
}
