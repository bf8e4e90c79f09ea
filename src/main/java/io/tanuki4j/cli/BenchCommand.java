package io.tanuki4j.cli;

import io.tanuki4j.bench.Benchmark;
import io.tanuki4j.config.Problems;
import io.tanuki4j.flags.MegatronFlags;
import io.tanuki4j.flags.PretrainOptions;
import io.tanuki4j.run.Checkpoints;
import java.io.PrintWriter;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/**
 * Measures how fast a run would be. Prints one line of JSON to standard output; with {@code
 * --profile}, a table of its kernels before it. Progress goes to standard error.
 */
@Command(
    name = "bench",
    modelTransformer = MegatronFlags.class,
    description = {
      "Measures iterations of a run on random tokens and prints a line of JSON.",
      "Takes the flags of pretrain; data, checkpoints and the schedule are not used and may be"
          + " missing."
    })
final class BenchCommand implements Callable<Integer>, RunCommand {
  private static final int MAX_PROFILED = 3;

  @Option(
      names = "--bench-iterations",
      paramLabel = "N",
      description = "Iterations whose median counts.")
  int benchIterations = 10;

  @Option(
      names = "--bench-warmup",
      paramLabel = "N",
      description = "Iterations before them; 2 at least.")
  int benchWarmup = 3;

  @Mixin final PretrainOptions options = PretrainOptions.ofMeasurement();
  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    PretrainOptions.Resolved run = resolve(System.getenv());
    PrintWriter err = spec.commandLine().getErr();
    err.println("random tokens; datasets and checkpoints that flags name are not used");
    Benchmark.Settings settings =
        new Benchmark.Settings(
            benchIterations,
            benchWarmup,
            options.hasProfile() ? Math.min(MAX_PROFILED, benchIterations) : 0);
    Optional<Benchmark.Result> result =
        Benchmark.run(
            run,
            settings,
            line -> {
              err.println(line);
              err.flush();
            });
    result.ifPresent(this::print);
    return 0;
  }

  @Override
  public PretrainOptions.Resolved resolve(Map<String, String> environment) {
    PretrainOptions.Resolved run = options.resolve(spec, environment, Checkpoints::arguments);
    check();
    return run;
  }

  private void print(Benchmark.Result result) {
    PrintWriter out = spec.commandLine().getOut();
    result.table().forEach(out::println);
    out.println(result.report().toJson());
    out.flush();
  }

  private void check() {
    Problems problems = new Problems();
    problems.positive("--bench-iterations", benchIterations, "Write 1 or more.");
    if (benchWarmup < Benchmark.MIN_WARMUP) {
      problems.add(
          "--bench-warmup",
          benchWarmup,
          "%d or more".formatted(Benchmark.MIN_WARMUP),
          "The first iterations prepare those that follow.");
    }
    problems.throwIfAny();
  }
}
