package io.tanuki4j;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ArchitectureTest {
  private static final String ROOT = "io.tanuki4j.";
  private static final int MIN_CLASSES = 40;
  private static final Path ARCHITECTURE = Path.of("src", "site", "markdown", "architecture.md");
  private static final Pattern NAME = Pattern.compile("`(\\w+)`");
  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.tanuki4j");

  @Test
  void the_scan_finds_the_classes() {
    assertThat(MAIN.size()).isGreaterThan(MIN_CLASSES);
  }

  @Test
  void packages_form_no_circle_at_any_depth() {
    slices().matching(ROOT + "(**)").should().beFreeOfCycles().check(MAIN);
  }

  @Test
  void native_libraries_stay_in_their_packages() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..backend..", "..comm.nccl..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.bytedeco..")
        .check(MAIN);
    noClasses()
        .that()
        .resideOutsideOfPackages("..backend.nd4j..", "io.tanuki4j.nd4j..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.nd4j..")
        .check(MAIN);
  }

  @Test
  void only_run_chooses_implementations() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..run..", "..plan..", "..cli..", "..backend..", "..comm.nccl..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("..backend..")
        .check(MAIN);
    noClasses()
        .that()
        .resideOutsideOfPackages("..run..", "..comm.*..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("..comm.inprocess..", "..comm.socket..", "..comm.nccl..")
        .check(MAIN);
  }

  @Test
  void the_environment_is_read_at_the_edge() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..cli..", "..run..", "..bench..")
        .should()
        .callMethod(System.class, "getenv")
        .orShould()
        .callMethod(System.class, "getenv", String.class)
        .check(MAIN);
  }

  @Test
  void picocli_stays_in_cli_and_flags() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..cli..", "..flags..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("picocli..")
        .check(MAIN);
  }

  @Test
  void static_fields_are_final() {
    fields()
        .that()
        .areStatic()
        .and()
        .doNotHaveName("$assertionsDisabled")
        .should()
        .beFinal()
        .check(MAIN);
  }

  @ParameterizedTest
  @MethodSource("rooms")
  void packages_import_what_architecture_md_allows(String room, List<String> mayImport) {
    String[] others =
        rooms()
            .map(row -> (String) row.get()[0])
            .filter(other -> !other.equals(room) && !mayImport.contains(other))
            .map(other -> ROOT + other + "..")
            .toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage(ROOT + room + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(others)
        .check(MAIN);
  }

  @Test
  void the_table_of_packages_is_whole_and_points_down() {
    List<String> names = rooms().map(row -> (String) row.get()[0]).toList();
    assertThat(names)
        .containsExactlyInAnyOrderElementsOf(
            MAIN.stream()
                .map(JavaClass::getPackageName)
                .filter(name -> name.startsWith(ROOT))
                .map(name -> name.substring(ROOT.length()).split("\\.", 2)[0])
                .collect(Collectors.toSet()));
    rooms()
        .forEach(
            row ->
                assertThat((List<?>) row.get()[1])
                    .as("imports of %s, all in rows further down", row.get()[0])
                    .allMatch(other -> names.indexOf(other) > names.indexOf(row.get()[0])));
  }

  /** The rows of the table of packages in architecture.md: a name, and the names it may import. */
  static Stream<Arguments> rooms() {
    List<String[]> rows = rows();
    List<String> names = rows.stream().map(cells -> names(cells[1]).get(0)).toList();
    return rows.stream()
        .map(cells -> Arguments.of(names(cells[1]).get(0), mayImport(cells[3], names)));
  }

  private static List<String[]> rows() {
    try (Stream<String> lines = Files.lines(ARCHITECTURE)) {
      return lines
          .dropWhile(line -> !line.equals("## Packages"))
          .takeWhile(line -> !line.startsWith("## One iteration"))
          .filter(line -> line.startsWith("| `"))
          .map(line -> line.split("\\|", -1))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static List<String> mayImport(String cell, List<String> rooms) {
    List<String> named = names(cell);
    return cell.contains("and below")
        ? rooms.subList(rooms.indexOf(named.get(0)), rooms.size())
        : named;
  }

  private static List<String> names(String cell) {
    return NAME.matcher(cell).results().map(found -> found.group(1)).toList();
  }

  @Test
  void only_cli_and_run_touch_the_process() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..cli..", "..run..")
        .and()
        .doNotHaveSimpleName("ConsoleSink")
        .should()
        .accessField(System.class, "out")
        .orShould()
        .callMethod(System.class, "exit", int.class)
        .orShould()
        .callMethod(System.class, "getenv", String.class)
        .check(MAIN);
  }
}
