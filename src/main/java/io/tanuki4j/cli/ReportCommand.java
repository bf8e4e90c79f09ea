package io.tanuki4j.cli;

import io.tanuki4j.error.UserException;
import io.tanuki4j.metrics.web.Report;
import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Writes the page of a run, as {@code --web-port} shows it, to one HTML file. */
@Command(
    name = "report",
    description = "Writes a run's curves, from its metrics.jsonl, to one HTML file.")
final class ReportCommand implements Callable<Integer> {
  private static final int LOG_LINES = 200;

  @Parameters(paramLabel = "DIR", description = "The folder of --save of the run.")
  Path folder = Path.of("");

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description = "The file to write (default: report.html in DIR).")
  @Nullable Path output;

  @Option(
      names = "--compare",
      paramLabel = "DIR",
      description = "The folder of a run to compare with; may be given more than once.")
  List<Path> others = new ArrayList<>();

  @Option(
      names = "--log",
      paramLabel = "FILE",
      description = "A file with the run's log, whose last lines the page shows.")
  @Nullable Path log;

  @Spec CommandSpec spec;

  @Override
  public Integer call() throws IOException {
    Path file = output == null ? folder.resolve("report.html") : output;
    int iterations = Report.write(folder, others, log == null ? List.of() : tail(log), file);
    spec.commandLine()
        .getOut()
        .printf("%s: %d iterations. Open it in a browser.%n", file, iterations);
    spec.commandLine().getOut().flush();
    return 0;
  }

  private static List<String> tail(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new UserException(
          "--log: %s (expected: a file with a run's log). Check the path.".formatted(file));
    }
    Deque<String> last = new ArrayDeque<>();
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        last.addLast(line);
        if (last.size() > LOG_LINES) {
          last.removeFirst();
        }
      }
    }
    return List.copyOf(last);
  }
}
