package io.tanuki4j.comm;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Ranks that are real processes: children of a test, in the same class path. */
public final class ChildProcesses implements AutoCloseable {
  private final List<Process> children = new ArrayList<>();
  private final List<BufferedReader> outputs = new ArrayList<>();

  /** What the environment of one rank has beside what launchers set. */
  public interface Extras {
    Map<String, String> of(int rank);
  }

  /**
   * @param mainAndArguments a class with a main, and its arguments
   */
  public ChildProcesses(int worldSize, int port, Extras extras, String... mainAndArguments)
      throws IOException {
    for (int rank = 0; rank < worldSize; rank++) {
      List<String> command = new ArrayList<>();
      command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
      command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
      command.addAll(List.of("-cp", System.getProperty("java.class.path")));
      command.addAll(List.of(mainAndArguments));
      ProcessBuilder builder = new ProcessBuilder(command);
      Map<String, String> environment = builder.environment();
      environment.put("RANK", "" + rank);
      environment.put("WORLD_SIZE", "" + worldSize);
      environment.put("MASTER_ADDR", "localhost");
      environment.put("MASTER_PORT", "" + port);
      environment.putAll(extras.of(rank));
      Process child = builder.redirectErrorStream(true).start();
      children.add(child);
      outputs.add(
          new BufferedReader(
              new InputStreamReader(child.getInputStream(), StandardCharsets.UTF_8)));
    }
  }

  public Process child(int rank) {
    return children.get(rank);
  }

  /** Reads on until a line of this rank begins so. */
  public String lineBeginningWith(int rank, String prefix) throws IOException {
    List<String> before = new ArrayList<>();
    BufferedReader output = outputs.get(rank);
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      if (line.startsWith(prefix)) {
        return line;
      }
      before.add(line);
    }
    throw new AssertionError("no line begins with \"%s\": %s".formatted(prefix, before));
  }

  /** The rest of what a rank says, until it ends. */
  public List<String> rest(int rank) {
    return outputs.get(rank).lines().toList();
  }

  @Override
  public void close() {
    children.forEach(Process::destroyForcibly);
  }
}
