package io.tanuki4j.kernel;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/**
 * What backends computed, as {@code tools/backends_table.sh} reads it: a file of text for each
 * backend in the folder that the system property {@value #FOLDER} names; without it nothing is
 * kept. Backends that never meet in one process are compared so.
 */
public final class Outputs {
  private static final String FOLDER = "tanuki4j.outputs";

  /** Elements kept of an output, at equal distances. */
  private static final int SAMPLE = 256;

  private Outputs() {}

  /**
   * Appends a sample of an output to the backend's file.
   *
   * @param name the same on every backend
   */
  public static void keep(String backend, String name, double[] values) {
    String folder = System.getProperty(FOLDER);
    if (folder == null) {
      return;
    }
    long count = Math.min(values.length, SAMPLE);
    String sample =
        LongStream.range(0, count)
            .mapToObj(i -> text(values[(int) (i * values.length / count)]))
            .collect(Collectors.joining(" "));
    try {
      Files.createDirectories(Path.of(folder));
      Files.writeString(
          Path.of(folder, backend + ".txt"),
          name + "\t" + sample + "\n",
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The shortest text that means the same number. */
  private static String text(double value) {
    return (float) value == value ? Float.toString((float) value) : Double.toString(value);
  }
}
