package io.tanuki4j;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.LineMap;
import com.sun.source.tree.MethodTree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.SourcePositions;
import com.sun.source.util.TreeScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The limits of CONTRIBUTING.md that a build enforces. */
class SourceSizeTest {
  private static final int MAX_LINES = 500;
  private static final int MAX_METHOD_LINES = 45;
  private static final int MAX_PARAMETERS = 8;
  private static final int MIN_FILES = 40;

  /** Kernels take each operand as a parameter. */
  private static final String KERNELS = ".*/(kernel|backend)/.*";

  private static final List<Method> METHODS = new ArrayList<>();

  /** A method or constructor of the main code. */
  private record Method(String file, String name, long lines, int parameters) {}

  @BeforeAll
  static void parse() throws IOException {
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try (StandardJavaFileManager files = compiler.getStandardFileManager(null, null, null)) {
      var sources = files.getJavaFileObjectsFromPaths(sources("java"));
      JavacTask task = (JavacTask) compiler.getTask(null, files, null, null, null, sources);
      SourcePositions positions = Trees.instance(task).getSourcePositions();
      for (CompilationUnitTree unit : task.parse()) {
        unit.accept(new MethodScanner(unit, positions), null);
      }
    }
  }

  private static final class MethodScanner extends TreeScanner<Void, Void> {
    private final CompilationUnitTree unit;
    private final SourcePositions positions;

    MethodScanner(CompilationUnitTree unit, SourcePositions positions) {
      this.unit = unit;
      this.positions = positions;
    }

    @Override
    public Void visitMethod(MethodTree method, Void unused) {
      LineMap map = unit.getLineMap();
      long first = map.getLineNumber(positions.getStartPosition(unit, method));
      long last = map.getLineNumber(positions.getEndPosition(unit, method));
      METHODS.add(
          new Method(
              unit.getSourceFile().getName(),
              method.getName().toString(),
              last - first + 1,
              method.getParameters().size()));
      return super.visitMethod(method, unused);
    }
  }

  private static List<Path> sources(String endings) throws IOException {
    try (Stream<Path> walk = Files.walk(Path.of("src", "main"))) {
      return walk.filter(path -> path.toString().matches(".*\\.(" + endings + ")")).toList();
    }
  }

  @Test
  void no_source_file_is_longer_than_500_lines() throws IOException {
    List<Path> files = sources("java|cu");
    assertThat(files).as("files found").hasSizeGreaterThan(MIN_FILES);
    assertThat(files)
        .allSatisfy(
            file ->
                assertThat(Files.readAllLines(file))
                    .as("lines of " + file)
                    .hasSizeLessThanOrEqualTo(MAX_LINES));
  }

  @Test
  void no_method_is_longer_than_45_lines() {
    assertThat(METHODS).as("methods found").hasSizeGreaterThan(MIN_FILES);
    assertThat(METHODS.stream().filter(method -> method.lines() > MAX_METHOD_LINES)).isEmpty();
  }

  @Test
  void no_method_but_kernels_has_more_than_8_parameters() {
    assertThat(
            METHODS.stream()
                .filter(method -> !method.file().matches(KERNELS))
                .filter(method -> method.parameters() > MAX_PARAMETERS))
        .isEmpty();
  }
}
