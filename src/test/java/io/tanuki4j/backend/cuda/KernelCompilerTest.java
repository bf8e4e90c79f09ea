package io.tanuki4j.backend.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import io.tanuki4j.tensor.DType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Compiles every kernel for every architecture. It needs NVRTC but no GPU: found as at run time, or
 * brought by {@code mvn -Pkernels}. Where a folder is named it must be there.
 */
@EnabledIf(
    value = "compilerIsThere",
    disabledReason = "NVRTC not found, no kernel compiled: mvn -Pkernels brings it")
class KernelCompilerTest {
  private static final List<String> ARCHITECTURES = List.of("sm_80", "sm_86", "sm_90");
  private static final Set<CudaComponent> NEEDED =
      Set.of(CudaComponent.DRIVER, CudaComponent.RUNTIME, CudaComponent.NVRTC);
  private static final List<DType> TYPES = List.of(DType.F32, DType.BF16, DType.F16);

  static boolean compilerIsThere() {
    Map<CudaComponent, Path> folders = findLibraries();
    return System.getenv(CudaSearchPath.ENVIRONMENT_VARIABLE) != null
        || (folders.containsKey(CudaComponent.NVRTC) && folders.containsKey(CudaComponent.RUNTIME));
  }

  private static Map<CudaComponent, Path> findLibraries() {
    return CudaLibraries.find(CudaSearchPath.of(null, System.getenv())).folders();
  }

  @BeforeAll
  static void load_the_compiler(@TempDir Path temporary) throws IOException {
    Map<CudaComponent, Path> folders = new HashMap<>(findLibraries());
    if (!folders.containsKey(CudaComponent.DRIVER)) {
      EmptyLibrary.write(temporary, "libcuda.so.1");
      folders.put(CudaComponent.DRIVER, temporary);
    }
    folders.keySet().retainAll(NEEDED);
    assertThat(folders).as("libraries of the compiler").containsOnlyKeys(NEEDED);
    assertThat(new CudaLibraries(folders, List.of()).load()).isEmpty();
  }

  static List<KernelVariant> variants() {
    List<KernelVariant> variants = new ArrayList<>();
    for (DType type : TYPES) {
      int vector = 16 / type.bytes();
      for (int width : new int[] {1, vector}) {
        variants.add(new RowVariant("activation", type, width));
        variants.add(new RowVariant("rope", type, width));
        variants.add(new RowVariant("loss", type, width));
        variants.add(new RowVariant("clip", type, width));
        variants.add(PairVariant.embedding(DType.F32, type, width));
        variants.add(PairVariant.rowSums("layernorm", DType.F32, type, width));
        variants.add(PairVariant.rowSums("bias", type, type, width));
        variants.add(PairVariant.rowSums("merge", DType.F32, type, width));
        variants.add(PairVariant.rowSums("merge", type, type, width));
        variants.add(PairVariant.elementwise(type, type, width));
      }
      variants.add(new RowVariant("attention", type, 1));
      variants.add(new RowVariant("normal", type, 1));
      variants.add(new RowVariant("dropout", type, 1));
      variants.add(new FillVariant(type.bytes()));
    }
    variants.add(new FillVariant(8));
    variants.add(new CudaStopwatches.Variant());
    variants.add(new PlantedFaults.Planted());
    variants.add(PairVariant.embedding(DType.BF16, DType.BF16, 8));
    variants.add(PairVariant.elementwise(DType.BF16, DType.F32, 8));
    variants.add(PairVariant.elementwise(DType.F16, DType.F32, 8));
    variants.add(PairVariant.elementwise(DType.F32, DType.F16, 8));
    variants.add(PairVariant.elementwise(DType.F64, DType.F16, 1));
    variants.add(PairVariant.elementwise(DType.F16, DType.F64, 1));
    variants.add(PairVariant.elementwise(DType.F32, DType.BF16, 8));
    variants.add(PairVariant.elementwise(DType.F32, DType.BF16, 1));
    variants.add(PairVariant.elementwise(DType.F64, DType.F32, 1));
    variants.add(new ScalesVariant());
    variants.add(NormVariant.of(DType.BF16, DType.F32, 8, 4096));
    variants.add(NormVariant.of(DType.BF16, DType.BF16, 8, 8192));
    variants.add(NormVariant.of(DType.F16, DType.F32, 8, 4096));
    variants.add(NormVariant.of(DType.F32, DType.F32, 4, 256));
    variants.add(NormVariant.of(DType.F32, DType.F32, 1, 33));
    variants.add(adamW(DType.BF16, DType.F32, DType.F32, DType.F32, false));
    variants.add(adamW(DType.F16, DType.F32, DType.F32, DType.F32, false));
    variants.add(adamW(DType.F32, DType.F32, DType.F32, DType.F32, true));
    variants.add(adamW(DType.BF16, DType.BF16, DType.BF16, DType.BF16, true));
    return variants;
  }

  @ParameterizedTest
  @EnumSource(names = {"F8_E4M3", "F8_E5M2"})
  void quantization_compiles_where_hardware_has_it(DType type) {
    for (String architecture : List.of("sm_89", "sm_90")) {
      byte[] code = new KernelCompiler(architecture).compile(new Fp8Variant(type));
      assertThat(code).as(type + " " + architecture).startsWith(0x7f, 'E', 'L', 'F');
    }
  }

  private static AdamWVariant adamW(
      DType weight, DType master, DType moments, DType grad, boolean same) {
    return new AdamWVariant(weight, master, moments, moments, grad, same, 8);
  }

  @ParameterizedTest
  @MethodSource("variants")
  void compiles_for_every_architecture(KernelVariant variant) {
    for (String architecture : ARCHITECTURES) {
      byte[] code = new KernelCompiler(architecture).compile(variant);
      assertThat(code).as(variant + " " + architecture).startsWith(0x7f, 'E', 'L', 'F');
    }
  }
}
