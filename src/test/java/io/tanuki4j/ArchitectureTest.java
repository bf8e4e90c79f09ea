package io.tanuki4j;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ArchitectureTest {
  private static final String ROOT = "io.tanuki4j.";
  private static final int MIN_CLASSES = 40;
  private static final JavaClasses MAIN =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.tanuki4j");

  @Test
  void the_scan_finds_the_classes() {
    assertThat(MAIN.size()).isGreaterThan(MIN_CLASSES);
  }

  @Test
  void packages_form_no_cycle() {
    slices().matching(ROOT + "(*)..").should().beFreeOfCycles().check(MAIN);
  }

  @Test
  void native_libraries_stay_in_their_packages() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..backend..", "..comm.nccl..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("org.nd4j..", "org.bytedeco..")
        .check(MAIN);
  }

  @Test
  void only_launch_chooses_implementations() {
    noClasses()
        .that()
        .resideOutsideOfPackages("..launch..", "..backend..", "..comm.nccl..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("..backend..")
        .check(MAIN);
    noClasses()
        .that()
        .resideOutsideOfPackages("..launch..", "..comm.*..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("..comm.*..")
        .check(MAIN);
  }

  @Test
  void picocli_stays_in_launch() {
    noClasses()
        .that()
        .resideOutsideOfPackage("..launch..")
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

  /** The table of directions in architecture.md: a package and what of ours it must not use. */
  @ParameterizedTest
  @CsvSource({
    "tensor, 'comm|kernel|backend|nn|parallel|model|optim|checkpoint|data|tokenizer|metrics|train|config"
        + "|launch'",
    "tokenizer, 'comm|tensor|kernel|backend|nn|parallel|model|optim|checkpoint|data|metrics|train|config"
        + "|launch'",
    "metrics, 'comm|tensor|kernel|backend|nn|parallel|model|optim|checkpoint|data|tokenizer|train|config"
        + "|launch'",
    "data, 'comm|tensor|kernel|backend|nn|parallel|model|optim|checkpoint|metrics|train|config|launch'",
    "comm, 'nn|parallel|model|optim|checkpoint|data|tokenizer|metrics|train|config|launch'",
    "kernel, 'comm|backend|nn|parallel|model|optim|checkpoint|data|tokenizer|metrics|train|config|launch'",
    "backend, 'comm|nn|parallel|model|optim|checkpoint|data|tokenizer|metrics|train|config|launch'",
    "nn, 'comm|backend|parallel|model|optim|checkpoint|data|tokenizer|metrics|train|config|launch'",
    "parallel, 'backend|model|optim|checkpoint|data|tokenizer|metrics|train|config|launch'",
    "model, 'comm|backend|optim|checkpoint|data|tokenizer|metrics|train|config|launch'",
    "optim, 'backend|model|checkpoint|data|tokenizer|metrics|train|config|launch'",
    "checkpoint, 'backend|parallel|model|optim|data|tokenizer|metrics|train|config|launch'",
    "train, 'backend|model|tokenizer|config|launch'",
  })
  void packages_depend_downwards_only(String from, String forbidden) {
    String[] targets =
        Arrays.stream(forbidden.split("\\|", -1))
            .map(name -> ROOT + name + "..")
            .toArray(String[]::new);
    noClasses()
        .that()
        .resideInAPackage(ROOT + from + "..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(targets)
        .check(MAIN);
  }

  @Test
  void only_launch_touches_the_process() {
    noClasses()
        .that()
        .resideOutsideOfPackage("..launch..")
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
