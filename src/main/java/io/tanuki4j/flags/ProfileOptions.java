package io.tanuki4j.flags;

import io.tanuki4j.config.Problems;
import io.tanuki4j.train.ProfileConfig;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The flags of {@link ProfileConfig}. */
public final class ProfileOptions {
  @Option(
      names = "--profile",
      description =
          "Writes a trace of some iterations for Perfetto and chrome://tracing: kernels, parts of an"
              + " iteration, waits for other ranks. In bench: a table of the kernels. On a GPU for"
              + " shapes that keep it busy: of tiny kernels the launch is measured, too.")
  boolean profile;

  @Option(
      names = "--profile-step-start",
      paramLabel = "N",
      description = "The trace begins after this iteration.")
  int profileStepStart = 10;

  @Option(
      names = "--profile-step-end",
      paramLabel = "N",
      description = "The last iteration of the trace.")
  int profileStepEnd = 12;

  @Option(
      names = "--profile-ranks",
      paramLabel = "RANK",
      arity = "0..*",
      description = "The ranks that are traced.")
  List<Integer> profileRanks = List.of(0);

  @Option(
      names = "--profile-dir",
      paramLabel = "DIR",
      description = "Where traces go (default: the folder profile in --tensorboard-dir or --save).")
  @Nullable Path profileDir;

  void check(int worldSize, Problems problems) {
    if (!profile) {
      return;
    }
    problems.notNegative("--profile-step-start", profileStepStart, "Write 0 for the first.");
    if (profileStepEnd <= profileStepStart) {
      problems.add(
          "--profile-step-end",
          profileStepEnd,
          "more than --profile-step-start " + profileStepStart,
          "Raise it.");
    }
    for (int rank : profileRanks) {
      if (rank < 0 || rank >= worldSize) {
        problems.add("--profile-ranks", rank, "0 to " + (worldSize - 1), "Name ranks of this run.");
      }
    }
  }

  /**
   * Returns the configuration.
   *
   * @param tensorBoard folder that gets the folder of traces; null for none
   * @param save folder that gets it otherwise; null for none
   */
  @Nullable ProfileConfig toConfig(@Nullable Path tensorBoard, @Nullable Path save) {
    if (!profile) {
      return null;
    }
    Path parent = tensorBoard != null ? tensorBoard : save != null ? save : Path.of("");
    return new ProfileConfig(
        profileStepStart,
        profileStepEnd,
        profileRanks,
        profileDir == null ? parent.resolve("profile") : profileDir);
  }
}
