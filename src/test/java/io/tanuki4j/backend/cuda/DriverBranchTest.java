package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the kernel's module says of its version. */
class DriverBranchTest {
  private static final String CLOSED =
      "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\n"
          + "GCC version:  gcc version 11.4.0 (Ubuntu 11.4.0-1ubuntu1~22.04)\n";
  private static final String OPEN =
      "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.82.07  Release Build  (dvs-builder)\n";

  @TempDir Path folder;

  private Optional<CudaProblem> problem(String text, int oldest) throws IOException {
    return DriverBranch.problem(Files.writeString(folder.resolve("version"), text), oldest);
  }

  @Test
  void an_older_driver_is_named_with_what_to_do() throws IOException {
    assertThat(problem(CLOSED, 580).orElseThrow().toString())
        .startsWith("NVIDIA driver: branch 535 (expected: 580 or newer, for CUDA ")
        .contains("branch 5")
        .endsWith(".");
    assertThat(problem(CLOSED, 580).orElseThrow().fatal()).isTrue();
  }

  @Test
  void a_driver_that_is_new_enough_is_no_problem() throws IOException {
    assertThat(problem(OPEN, 580)).isEmpty();
    assertThat(problem(CLOSED, 525)).isEmpty();
  }

  @Test
  void a_module_that_does_not_say_is_no_problem() throws IOException {
    assertThat(problem("", 580)).isEmpty();
    assertThat(problem("something else\n", 580)).isEmpty();
    assertThat(DriverBranch.problem(folder.resolve("missing"), 580)).isEmpty();
  }
}
