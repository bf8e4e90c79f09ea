package io.tanuki4j.comm.inprocess;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CodePlaceTest {
  private static StackTraceElement frame(String type, String method, int line) {
    String file = type.substring(type.lastIndexOf('.') + 1) + ".java";
    return new StackTraceElement(type, method, file, line);
  }

  @Test
  void names_the_innermost_code_of_the_program_that_is_no_communication() {
    StackTraceElement[] stack = {
      frame("java.lang.Object", "wait", 1),
      frame("io.tanuki4j.comm.inprocess.SharedState", "await", 2),
      frame("io.tanuki4j.train.TrainStep", "run", 88),
      frame("io.tanuki4j.train.Trainer", "run", 4),
    };
    assertThat(CodePlace.of(stack)).contains("TrainStep.run (TrainStep.java:88)");
  }

  @Test
  void names_what_there_is_where_no_code_of_the_program_runs() {
    StackTraceElement[] stack = {frame("java.lang.Object", "wait", 1)};
    assertThat(CodePlace.of(stack)).contains("Object.wait (Object.java:1)");
    assertThat(CodePlace.of(new StackTraceElement[0])).isEmpty();
  }
}
