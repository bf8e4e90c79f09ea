package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkNvrtc;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.IntPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.javacpp.SizeTPointer;

/**
 * Compiles kernels with NVRTC to machine code of one architecture. Machine code, not PTX: a driver
 * refuses PTX of a newer toolkit.
 */
final class KernelCompiler {
  private static final String PRELUDE = "prelude";

  private final String architecture;

  /**
   * @param architecture for example {@code sm_90}
   */
  KernelCompiler(String architecture) {
    this.architecture = architecture;
  }

  /**
   * Returns a whole translation unit: the prelude, then the family's sources; line numbers count
   * within each file.
   */
  static String source(KernelVariant variant) {
    return Stream.concat(Stream.of(PRELUDE), variant.sources().stream())
        .map(name -> "#line 1 \"%s.cu\"\n%s".formatted(name, read(name)))
        .collect(Collectors.joining());
  }

  /**
   * Returns the compiler's options, which are also the part of a cache's key that is not source.
   */
  List<String> options(KernelVariant variant) {
    List<String> options = new ArrayList<>();
    options.add("--gpu-architecture=" + architecture);
    options.add("--std=c++17");
    options.add("--device-as-default-execution-space");
    variant.options().forEach(option -> options.add("-D" + option));
    return options;
  }

  /** Returns NVRTC's major and minor version, for example {@code 13.0}. */
  static String version() {
    try (IntPointer major = new IntPointer(1);
        IntPointer minor = new IntPointer(1)) {
      checkNvrtc(nvrtc.nvrtcVersion(major, minor), "nvrtcVersion");
      return major.get() + "." + minor.get();
    }
  }

  /**
   * Compiles a variant to machine code.
   *
   * @throws IllegalStateException with the compiler's log, if it refuses the source
   */
  byte[] compile(KernelVariant variant) {
    _nvrtcProgram program = new _nvrtcProgram();
    try (PointerScope scope = new PointerScope()) {
      BytePointer source = new BytePointer(source(variant), StandardCharsets.UTF_8);
      BytePointer name = new BytePointer(variant.family() + ".cu", StandardCharsets.UTF_8);
      checkNvrtc(
          nvrtc.nvrtcCreateProgram(
              program, source, name, 0, (PointerPointer<?>) null, (PointerPointer<?>) null),
          "nvrtcCreateProgram");
      List<String> options = options(variant);
      PointerPointer<BytePointer> pointers =
          new PointerPointer<>(options.toArray(String[]::new), StandardCharsets.UTF_8);
      int status = nvrtc.nvrtcCompileProgram(program, options.size(), pointers);
      if (status != nvrtc.NVRTC_SUCCESS) {
        throw new IllegalStateException(
            "%s.cu %s does not compile:%n%s".formatted(variant.family(), options, log(program)));
      }
      return machineCode(program);
    } finally {
      nvrtc.nvrtcDestroyProgram(program);
    }
  }

  private static byte[] machineCode(_nvrtcProgram program) {
    SizeTPointer size = new SizeTPointer(1);
    checkNvrtc(nvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
    BytePointer code = new BytePointer(size.get());
    checkNvrtc(nvrtc.nvrtcGetCUBIN(program, code), "nvrtcGetCUBIN");
    byte[] bytes = new byte[Math.toIntExact(size.get())];
    code.get(bytes);
    return bytes;
  }

  private static String log(_nvrtcProgram program) {
    SizeTPointer size = new SizeTPointer(1);
    checkNvrtc(nvrtc.nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize");
    BytePointer log = new BytePointer(size.get());
    checkNvrtc(nvrtc.nvrtcGetProgramLog(program, log), "nvrtcGetProgramLog");
    return CString.read(log);
  }

  private static String read(String family) {
    String file = family + ".cu";
    try (InputStream in = KernelCompiler.class.getResourceAsStream(file)) {
      if (in == null) {
        throw new IllegalStateException("the kernel source " + file + " is not in the jar");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read the kernel source " + file, e);
    }
  }
}
