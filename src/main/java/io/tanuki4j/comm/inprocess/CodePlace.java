package io.tanuki4j.comm.inprocess;

import java.util.Arrays;
import java.util.Optional;

/** Describes where a thread is in this program, for messages. */
final class CodePlace {
  private static final String PROGRAM = "io.tanuki4j.";
  private static final String COMM = "io.tanuki4j.comm.";

  private CodePlace() {}

  /**
   * Returns the place, for example {@code TrainStep.run (TrainStep.java:88)}.
   *
   * @param stack innermost frame first; empty if the thread has ended
   */
  static Optional<String> of(StackTraceElement[] stack) {
    return Arrays.stream(stack)
        .filter(CodePlace::tells)
        .findFirst()
        .or(() -> Arrays.stream(stack).findFirst())
        .map(CodePlace::describe);
  }

  private static boolean tells(StackTraceElement frame) {
    String name = frame.getClassName();
    return name.startsWith(PROGRAM) && !name.startsWith(COMM);
  }

  private static String describe(StackTraceElement frame) {
    String name = frame.getClassName();
    String simple = name.substring(name.lastIndexOf('.') + 1);
    return "%s.%s (%s:%d)"
        .formatted(simple, frame.getMethodName(), frame.getFileName(), frame.getLineNumber());
  }
}
