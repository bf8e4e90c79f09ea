package io.tanuki4j.megatron;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.tanuki4j.error.UserException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Interprets the objects in a checkpoint's pickle by the names of their constructors. */
final class TorchObjects {
  private TorchObjects() {}

  /**
   * Returns the value of a call if checkpoints are known to contain it; otherwise a description of
   * the call.
   */
  static @Nullable Object made(String name, List<@Nullable Object> arguments, String source) {
    return switch (name) {
      case "collections.OrderedDict" ->
          arguments.isEmpty() ? new LinkedHashMap<>() : new PickledObject(name, arguments);
      case "torch.Size", "builtins.set", "builtins.frozenset", "__builtin__.set" ->
          arguments.isEmpty() ? new ArrayList<>() : arguments.get(0);
      case "_codecs.encode" -> String.valueOf(arguments.get(0)).getBytes(ISO_8859_1);
      case "torch._utils._rebuild_parameter" -> arguments.get(0);
      case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2" ->
          tensor(arguments, source);
      default -> new PickledObject(name, arguments);
    };
  }

  private static TorchTensor tensor(List<@Nullable Object> arguments, String source) {
    if (!(arguments.get(0) instanceof TorchStorage storage)) {
      throw new UserException(
          source + ": a tensor has no storage in the file, so it is damaged. Copy it again.");
    }
    List<Long> sizes = longs(arguments.get(2));
    List<Long> strides = longs(arguments.get(3));
    if (sizes.size() != strides.size() || !(arguments.get(1) instanceof Long offset)) {
      throw new IllegalArgumentException("sizes and strides");
    }
    TorchTensor tensor =
        new TorchTensor(
            storage.type(), storage.key(), storage.numElements(), offset, sizes, strides);
    requireInside(tensor, source);
    return tensor;
  }

  private static List<Long> longs(@Nullable Object values) {
    List<Long> numbers = new ArrayList<>();
    for (Object value : (List<?>) Objects.requireNonNull(values)) {
      numbers.add((Long) value);
    }
    return numbers;
  }

  private static void requireInside(TorchTensor tensor, String source) {
    long last = tensor.offset();
    boolean inside = last >= 0;
    boolean empty = false;
    for (int i = 0; i < tensor.sizes().size(); i++) {
      long size = tensor.sizes().get(i);
      long stride = tensor.strides().get(i);
      empty |= size == 0;
      inside &= size >= 0 && stride >= 0 && size <= tensor.numStored() + 1;
      last = inside && size > 0 ? Math.addExact(last, Math.multiplyExact(size - 1, stride)) : last;
    }
    if (!inside || (!empty && last >= tensor.numStored())) {
      throw new UserException(
          "%s: a tensor of sizes %s reaches beyond its storage of %d elements, so it is damaged. Copy it again."
              .formatted(source, tensor.sizes(), tensor.numStored()));
    }
  }
}
