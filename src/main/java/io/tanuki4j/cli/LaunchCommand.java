package io.tanuki4j.cli;

import static java.util.Objects.requireNonNull;

import io.tanuki4j.comm.rendezvous.MeetingPoint;
import io.tanuki4j.comm.rendezvous.RunSecret;
import io.tanuki4j.config.Problems;
import io.tanuki4j.run.Signals;
import io.tanuki4j.run.launcher.EndRules;
import io.tanuki4j.run.launcher.Launch;
import io.tanuki4j.run.launcher.LaunchSpec;
import io.tanuki4j.run.launcher.LaunchSpec.Master;
import io.tanuki4j.run.launcher.LaunchSpec.Ranks;
import io.tanuki4j.run.launcher.StandardError;
import java.io.PrintWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ExecutionException;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Starts a command once for each rank of this machine, as torchrun does. */
@Command(
    name = "launch",
    description = {
      "Runs a command as several ranks, a process each.",
      "They find each other by the environment that torchrun sets. When one fails, all end, and"
          + " start again if wanted."
    })
final class LaunchCommand implements Callable<Integer> {
  private static final int DEFAULT_PORT = 29500;
  private static final int MAX_PORT = 65535;

  @Option(
      names = {"--nproc-per-node", "--nproc_per_node"},
      paramLabel = "N",
      description = "Ranks on each machine; one for each of its GPUs.")
  @Nullable Integer nprocPerNode;

  @Option(
      names = "--ranks-per-gpu",
      paramLabel = "N",
      description =
          "Rehearses with this many ranks on each GPU (1): right results, but slow; one machine.")
  int ranksPerGpu = 1;

  @Option(names = "--nnodes", paramLabel = "N", description = "Machines (1).")
  int nnodes = 1;

  @Option(
      names = {"--node-rank", "--node_rank"},
      paramLabel = "N",
      description = "Number of this machine, from 0.")
  int nodeRank = 0;

  @Option(
      names = {"--master-addr", "--master_addr"},
      paramLabel = "HOST",
      description = "Machine 0; needed if there are several.")
  @Nullable String masterAddr;

  @Option(
      names = {"--master-port", "--master_port"},
      paramLabel = "N",
      description = "Free port of machine 0 (any; 29500 with several machines).")
  @Nullable Integer masterPort;

  @Option(
      names = {"--max-restarts", "--max_restarts"},
      paramLabel = "N",
      description = "Starts again after a failure; --load and --save let it continue (0).")
  int maxRestarts = 0;

  @Parameters(paramLabel = "COMMAND", description = "For example -- pretrain --num-layers 32 …")
  List<String> words = new ArrayList<>();

  @Spec CommandSpec spec;

  @Override
  public Integer call() {
    Problems problems = new Problems();
    check(problems);
    problems.throwIfAny();
    LaunchSpec plan = plan();
    makeSecret(plan);
    Integer helped = checkCommand(plan);
    return helped == null ? launch(plan) : helped;
  }

  /**
   * Reads the ranks' words as the ranks will, so that problems are reported once and before any
   * rank starts.
   *
   * @return exit code if they ask for help, which they have got; otherwise null
   */
  private @Nullable Integer checkCommand(LaunchSpec plan) {
    CommandLine command = requireNonNull(spec.parent().subcommands().get(words.get(0)));
    List<String> flags = words.subList(1, words.size());
    Integer helped =
        CommandLine.executeHelpRequest(command.parseArgs(flags.toArray(String[]::new)));
    if (helped == null && command.getCommand() instanceof RunCommand run) {
      Map<String, String> environment = new HashMap<>(System.getenv());
      int port = plan.master().port() == 0 ? DEFAULT_PORT : plan.master().port();
      environment.putAll(plan.environment(0, 0, port));
      try {
        run.resolve(environment);
      } catch (RuntimeException e) {
        throw new ExecutionException(command, "the ranks' flags", e);
      }
    }
    return helped;
  }

  /**
   * Makes the secret by which ranks of several machines recognise each other, on the first machine.
   */
  private void makeSecret(LaunchSpec plan) {
    boolean needed = nnodes > 1 && !MeetingPoint.isLoopback(plan.master().address());
    Path made = needed && nodeRank == 0 ? RunSecret.makeIfMissing(System.getenv()) : null;
    if (made != null) {
      say(
          "made %s, the secret by which the machines of a run know each other. Copy it to the same place on the others (scp -p), where home folders are not shared."
              .formatted(made));
    }
  }

  private void say(String line) {
    PrintWriter err = spec.commandLine().getErr();
    err.println("tanuki4j launch: " + line);
    err.flush();
  }

  private int launch(LaunchSpec plan) {
    Launch launch = new Launch(plan, System.out, System.err, this::say);
    try (Signals signals = Signals.calling(launch::request)) {
      return launch.run();
    }
  }

  private void check(Problems problems) {
    problems.required(
        "--nproc-per-node", nprocPerNode, "an integer", "Add it, for example --nproc-per-node 4.");
    problems.positive("--nproc-per-node", nprocPerNode, "Write 1 or more.");
    problems.positive("--ranks-per-gpu", ranksPerGpu, "Write 1, or leave it out.");
    if (ranksPerGpu > 1 && nnodes > 1) {
      problems.add(
          "--ranks-per-gpu", ranksPerGpu, "1 with --nnodes above 1", "Rehearse on one machine.");
    }
    problems.positive("--nnodes", nnodes, "Write 1 or more.");
    problems.notNegative("--max-restarts", maxRestarts, "Write 0 for none.");
    if (nodeRank < 0 || (nnodes > 0 && nodeRank >= nnodes)) {
      problems.add(
          "--node-rank",
          nodeRank,
          "0 to %d, one less than --nnodes".formatted(nnodes - 1),
          "Give every machine its own.");
    }
    if (nnodes > 1) {
      problems.required(
          "--master-addr", masterAddr, "name or address of machine 0", "Add it on every machine.");
    }
    if (masterPort != null && (masterPort < 1 || masterPort > MAX_PORT)) {
      problems.add("--master-port", masterPort, "1 to " + MAX_PORT, "Choose a free port.");
    }
    if (words.isEmpty() || !commands().contains(words.get(0))) {
      problems.add(
          "COMMAND",
          words.isEmpty() ? "not given" : words.get(0),
          "one of %s, with its flags".formatted(String.join(", ", commands())),
          "Write -- and the command after the flags of launch.");
    }
  }

  /** Returns the program's commands, except this one and hidden ones. */
  private List<String> commands() {
    return spec.parent().subcommands().values().stream()
        .map(CommandLine::getCommandSpec)
        .filter(command -> !command.usageMessage().hidden())
        .map(CommandSpec::name)
        .filter(name -> !name.equals(spec.name()))
        .toList();
  }

  private LaunchSpec plan() {
    boolean alone = nnodes == 1;
    int port = masterPort != null ? masterPort : alone ? 0 : DEFAULT_PORT;
    String address = masterAddr != null ? masterAddr : "127.0.0.1";
    String given = System.getenv("TANUKI4J_RUN_TOKEN");
    String own = alone ? UUID.randomUUID().toString() : address + ":" + port;
    return new LaunchSpec(
        new Ranks(nprocPerNode == null ? 1 : nprocPerNode, ranksPerGpu, nnodes, nodeRank),
        new Master(address, port, given == null ? own : given),
        maxRestarts,
        EndRules.of(Failures.OTHER_RANK_FAILED),
        command());
  }

  /** Returns the command line of this program as it runs now, with the words of the ranks. */
  private List<String> command() {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
        .filter(flag -> !flag.startsWith("-agentlib:jdwp")) // its port is taken
        .filter(flag -> !flag.startsWith("-D" + StandardError.PROPERTY)) // it is this process's
        .forEach(command::add);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(words);
    return command;
  }
}
