package io.tanuki4j.megatron;

import java.util.Set;

/**
 * The name of a Python class or function in a pickle. Only those that checkpoints hold as data are
 * accepted; they remain names.
 */
record PickledClass(String name) {
  private static final Set<String> KNOWN =
      Set.of(
          "argparse.Namespace",
          "types.SimpleNamespace",
          "collections.OrderedDict",
          "collections.defaultdict",
          "collections.Counter",
          "collections.deque",
          "signal.Signals",
          "pathlib.PosixPath",
          "pathlib.PurePosixPath",
          "datetime.datetime",
          "datetime.timedelta",
          "_codecs.encode",
          "_io.BytesIO",
          "io.BytesIO",
          "builtins.set",
          "builtins.frozenset",
          "builtins.bytearray",
          "builtins.complex",
          "builtins.dict",
          "builtins.list",
          "builtins.tuple",
          "builtins.int",
          "builtins.float",
          "builtins.str",
          "builtins.bool",
          "builtins.object",
          "builtins.slice",
          "__builtin__.set",
          "__builtin__.object",
          "copyreg._reconstructor",
          "copy_reg._reconstructor",
          "torch.Size",
          "torch.device",
          "torch.serialization._get_layout",
          "torch._utils._rebuild_tensor",
          "torch._utils._rebuild_tensor_v2",
          "torch._utils._rebuild_tensor_v3",
          "torch._utils._rebuild_parameter",
          "torch._tensor._rebuild_from_type_v2",
          "torch.storage.UntypedStorage",
          "torch.storage.TypedStorage");

  /**
   * Modules of which any class is accepted: enumerations and records of settings, which change from
   * year to year.
   */
  private static final Set<String> KNOWN_MODULES =
      Set.of("megatron", "transformer_engine", "numpy");

  private static final String DCP = "torch.distributed.checkpoint.";

  /** Returns whether a pickle that names it may be read. */
  static boolean isKnown(String module, String name) {
    String whole = module + "." + name;
    String top = module.split("\\.", 2)[0];
    return KNOWN.contains(whole)
        || KNOWN_MODULES.contains(top)
        || module.startsWith(DCP)
        || (module.equals("torch") && (name.endsWith("Storage") || isLowerCase(name)));
  }

  /**
   * Returns whether torch has an element type or layout of this name, for example {@code bfloat16}.
   */
  private static boolean isLowerCase(String name) {
    return TorchType.named(name) != null || name.equals("strided");
  }
}
