package io.tanuki4j.backend.cuda;

import static io.tanuki4j.backend.cuda.CudaException.checkDriver;

import java.util.HashMap;
import java.util.Map;
import org.bytedeco.cuda.cudart.CUfunc_st;
import org.bytedeco.cuda.cudart.CUmod_st;
import org.bytedeco.cuda.global.cudart;
import org.bytedeco.javacpp.BytePointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The kernels of a device: each variant is compiled on first use, or read from disk if an earlier
 * start compiled it.
 */
final class CudaModules implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(CudaModules.class);

  private final KernelCompiler compiler;
  private final String compilerVersion = KernelCompiler.version();
  private final DiskCache cache;
  private final CudaStream stream;
  private final Map<KernelVariant, CUmod_st> modules = new HashMap<>();
  private final Map<Key, CudaFunction> functions = new HashMap<>();

  private record Key(KernelVariant variant, String name) {}

  CudaModules(String architecture, DiskCache cache, CudaStream stream) {
    this.compiler = new KernelCompiler(architecture);
    this.cache = cache;
    this.stream = stream;
  }

  /**
   * @param name of a kernel in the variant's family
   */
  CudaFunction function(KernelVariant variant, String name) {
    Key key = new Key(variant, name);
    CudaFunction known = functions.get(key);
    if (known != null) {
      return known;
    }
    CudaFunction found = find(variant, name);
    functions.put(key, found);
    return found;
  }

  private CudaFunction find(KernelVariant variant, String name) {
    stream.requireRunning("compile the kernel " + name);
    CUfunc_st function = new CUfunc_st();
    CUmod_st module = modules.computeIfAbsent(variant, this::load);
    checkDriver(cudart.cuModuleGetFunction(function, module, name), "cuModuleGetFunction " + name);
    return new CudaFunction(name, function, stream);
  }

  private CUmod_st load(KernelVariant variant) {
    CUmod_st module = new CUmod_st();
    try (BytePointer code = new BytePointer(machineCode(variant))) {
      checkDriver(cudart.cuModuleLoadData(module, code), "cuModuleLoadData of " + variant.family());
    }
    return module;
  }

  private byte[] machineCode(KernelVariant variant) {
    String key =
        String.join(
            "\n",
            compilerVersion,
            compiler.options(variant).toString(),
            KernelCompiler.source(variant));
    return cache
        .find(variant.family(), key)
        .orElseGet(
            () -> {
              LOG.debug("compiling {} {}", variant.family(), variant.options());
              byte[] code = compiler.compile(variant);
              cache.put(variant.family(), key, code);
              return code;
            });
  }

  @Override
  public void close() {
    for (CUmod_st module : modules.values()) {
      checkDriver(cudart.cuModuleUnload(module), "cuModuleUnload");
    }
  }
}
